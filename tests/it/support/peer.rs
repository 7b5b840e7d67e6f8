//! Programs by others: where they are, and how they run beside a test.

use std::{
    env,
    ffi::OsStr,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    thread,
    time::Duration,
};

use serde_json::Value;

/// How long a program by others may keep us waiting for its next line.
const PATIENCE: Duration = Duration::from_mins(1);

/// A program that runs beside a test and says what it sees in lines of JSON; killed when dropped.
pub(crate) struct Peer {
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
}

impl Peer {
    /// Starts it.
    pub(crate) fn start(mut command: Command) -> Self {
        let program = command.get_program().to_string_lossy().into_owned();
        let spawned = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = spawned.unwrap_or_else(|error| panic!("{program} does not start: {error}"));
        let output = child.stdout.take().expect("it was piped");
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            // Ends with the program, or when nobody listens any more.
            BufReader::new(output).lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        let input = child.stdin.take();
        Self { child, input, lines }
    }

    /// Its next line; none if it has ended.
    pub(crate) fn line(&self) -> Option<String> {
        match self.lines.recv_timeout(PATIENCE) {
            Ok(line) => Some(line),
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => panic!("it has said nothing for {PATIENCE:?}"),
        }
    }

    /// Its next line as JSON; none if it has ended.
    pub(crate) fn next(&self) -> Option<Value> {
        let line = self.line()?;
        Some(
            serde_json::from_str(&line)
                .unwrap_or_else(|_| panic!("it says something that is no JSON: {line}")),
        )
    }

    /// Everything that it says until it ends by itself, which it must do in good order.
    pub(crate) fn finish(mut self) -> Vec<Value> {
        drop(self.input.take());
        let said: Vec<Value> = std::iter::from_fn(|| self.next()).collect();
        let ended = self.child.wait().expect("it can be waited for");
        assert!(ended.success(), "it ended with {ended} after it had said {said:?}");
        said
    }

    /// Tells it something.
    pub(crate) fn tell(&mut self, line: &str) {
        let input = self.input.as_mut().expect("it still listens");
        writeln!(input, "{line}").and_then(|()| input.flush()).expect("it listens");
    }

    /// Asks it to end, as an operator does, and waits until it has.
    pub(crate) fn stop(mut self) {
        let asked = Command::new("kill").arg(self.child.id().to_string()).status();
        assert!(asked.is_ok_and(|status| status.success()), "it had ended already");
        self.child.wait().expect("it can be waited for");
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Alertmanager, in its Debian or its own name.
pub(crate) fn alertmanager() -> Command {
    let found = ["prometheus-alertmanager", "alertmanager"].into_iter().find_map(on_path);
    Command::new(found.expect("prometheus-alertmanager is missing: `./dev test` installs it"))
}

/// The tool that speaks to Alertmanager.
pub(crate) fn amtool() -> Command {
    Command::new(
        on_path("amtool").expect("amtool (part of Alertmanager) is missing: `./dev test` installs it"),
    )
}

/// The tool that makes keys and certificates.
pub(crate) fn openssl() -> Command {
    Command::new(on_path("openssl").expect("openssl is missing: `./dev test` installs it"))
}

/// Node with a script of `tests/peers`.
pub(crate) fn node(script: &str) -> Command {
    let node = on_path("node").expect("node is missing: `./dev test` installs it");
    let folder = peers();
    let packages = folder.join("node_modules");
    assert!(packages.is_dir(), "{} is missing: `./dev test` fills it", packages.display());
    let mut command = Command::new(node);
    command.arg(folder.join(script));
    command
}

/// Python, with the packages that tests need, and a script of `tests/peers`.
pub(crate) fn python(script: &str) -> Command {
    let test = env::current_exe().expect("a test has an executable");
    let target = test.ancestors().nth(3).expect("it lies in target/<profile>/deps");
    let python = env::var_os("MIDWATCH_TEST_PYTHON")
        .map_or_else(|| target.join("peers/venv/bin/python"), PathBuf::from);
    assert!(python.exists(), "{} is missing: `./dev test` makes it", python.display());
    let mut command = Command::new(python);
    command.arg(peers().join(script));
    command
}

fn peers() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("peers")
}

fn on_path(program: impl AsRef<OsStr>) -> Option<PathBuf> {
    let folders = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&folders).map(|folder| folder.join(program.as_ref())).find(|file| file.is_file())
}
