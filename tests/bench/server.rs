//! The real `midwatch`, as a process of its own.

use std::{
    fs::File,
    net::{SocketAddr, TcpListener},
    path::PathBuf,
    process::Stdio,
    time::{Duration, Instant},
};

use serde_json::Value;
use tokio::process::{Child, Command};

use crate::{
    Outcome,
    database::Database,
    http::{self, Connection},
    machine,
};

/// Opens everything; known to nobody but this run.
pub(crate) const TOKEN: &str = "bench-administrator-token-of-no-value";
/// How long a server may take to become ready before the measurement is given up.
const PATIENCE: Duration = Duration::from_mins(3);

/// The header by which it knows its administrator.
pub(crate) fn authorization() -> String {
    format!("authorization: Bearer {TOKEN}\r\n")
}

/// A running server; killed when dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) pid: u32,
    /// From its start until it said that it was ready.
    pub(crate) ready_after: Duration,
    child: Child,
}

/// How far the log and the read models are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Progress {
    pub(crate) head: u64,
    pub(crate) folded: u64,
}

impl Server {
    /// Starts one on a free port and waits until it is ready.
    pub(crate) async fn start(database: &Database) -> Outcome<Self> {
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let began = Instant::now();
        let mut command = command(database, "serve")?;
        command.args(["--listen", &address.to_string(), "--allow-private-targets"]);
        let mut child = command.spawn()?;
        let pid = child.id().ok_or("midwatch ended at once")?;
        while !is_ready(address).await {
            if let Some(status) = child.try_wait()? {
                return Err(format!("midwatch ended with {status}: {}", log(database)).into());
            }
            if began.elapsed() > PATIENCE {
                return Err(format!("midwatch is not ready after {PATIENCE:?}: {}", log(database)).into());
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        Ok(Self { address, pid, ready_after: began.elapsed(), child })
    }

    /// How far it is.
    pub(crate) async fn progress(&self) -> Outcome<Progress> {
        let mut connection = Connection::open(self.address).await?;
        let answer = connection.exchange(&http::get("/readyz", "")).await?;
        let body: Value = serde_json::from_slice(answer.body)?;
        let number = |pointer: &str| body.pointer(pointer).and_then(|value| value.as_str()?.parse().ok());
        let head = number("/checks/store/head").ok_or("readyz tells no head")?;
        let folded = number("/checks/readModels/position").ok_or("readyz tells no position")?;
        Ok(Progress { head, folded })
    }

    /// Waits until everything that was begun is done: the log has stopped growing and the read models know all
    /// of it. Tells when that was first so.
    pub(crate) async fn settle(&self) -> Outcome<Instant> {
        const QUIET: Duration = Duration::from_millis(600);
        let (mut last, mut since) = (self.progress().await?, Instant::now());
        loop {
            tokio::time::sleep(Duration::from_millis(10)).await;
            let now = self.progress().await?;
            if now != last {
                (last, since) = (now, Instant::now());
            } else if now.head == now.folded && since.elapsed() > QUIET {
                return Ok(since);
            } else if since.elapsed() > PATIENCE {
                return Err(format!("nothing moves: {now:?}").into());
            }
        }
    }

    /// Resident memory in MB, and at most so far.
    pub(crate) fn memory(&self) -> (f64, f64) {
        machine::memory(self.pid).unwrap_or_default()
    }

    /// Ends it as an operator would.
    pub(crate) async fn stop(mut self) -> Outcome<()> {
        Command::new("kill").args(["-TERM", &self.pid.to_string()]).status().await?;
        if tokio::time::timeout(Duration::from_secs(30), self.child.wait()).await.is_err() {
            self.child.kill().await?;
            return Err("midwatch did not end within 30 s".into());
        }
        Ok(())
    }
}

/// Runs another of its commands to the end; tells how long it took and its largest memory in MB.
pub(crate) async fn run(database: &Database, name: &str) -> Outcome<(Duration, f64)> {
    let began = Instant::now();
    let mut child = command(database, name)?.spawn()?;
    let pid = child.id().ok_or("midwatch ended at once")?;
    let mut largest = 0.0_f64;
    loop {
        tokio::select! {
            status = child.wait() => {
                let (status, took) = (status?, began.elapsed());
                if !status.success() {
                    return Err(format!("midwatch {name} ended with {status}: {}", log(database)).into());
                }
                return Ok((took, largest));
            }
            () = tokio::time::sleep(Duration::from_millis(20)) => {
                largest = largest.max(machine::memory(pid).unwrap_or_default().1);
            }
        }
    }
}

fn command(database: &Database, name: &str) -> Outcome<Command> {
    let said = File::create(database.folder().join("midwatch.log"))?;
    let mut command = Command::new(binary()?);
    command
        .args([name, "--database", &database.url])
        .current_dir(database.folder())
        .env("MIDWATCH_ADMIN_TOKEN", TOKEN)
        .stdin(Stdio::null())
        .stdout(said.try_clone()?)
        .stderr(said)
        .kill_on_drop(true);
    Ok(command)
}

/// The binary that was built beside this one.
fn binary() -> Outcome<PathBuf> {
    let beside = std::env::current_exe()?.with_file_name("midwatch");
    let binary = std::env::var_os("MIDWATCH_BENCH_BINARY").map_or(beside, PathBuf::from);
    if binary.is_file() { Ok(binary) } else { Err(format!("{} is not built", binary.display()).into()) }
}

async fn is_ready(address: SocketAddr) -> bool {
    let Ok(mut connection) = Connection::open(address).await else { return false };
    connection.exchange(&http::get("/readyz", "")).await.is_ok_and(|answer| answer.status == 200)
}

/// The last words of a server that failed.
fn log(database: &Database) -> String {
    let said = std::fs::read_to_string(database.folder().join("midwatch.log")).unwrap_or_default();
    let lines: Vec<_> = said.lines().rev().take(10).collect();
    lines.into_iter().rev().collect::<Vec<_>>().join("\n")
}
