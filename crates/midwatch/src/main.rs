//! The program.

use std::{
    io::{IsTerminal, Write, stderr, stdin, stdout},
    process::ExitCode,
};

use anyhow::{Context, Result, bail};
use clap::Parser;
use midwatch::{
    Config, Parts, answer,
    cli::{Cli, Command, LogFlags, ScheduleCommand, ServeFlags},
    inspect, telemetry, tzdb,
};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    use_small_pages();
    let command = Cli::parse().command;
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&anyhow::Error::new(error).context("cannot start")),
    };
    match runtime.block_on(run(command)) {
        Ok(code) => code,
        Err(error) => failed(&error),
    }
}

/// The allocator asks for pages of 2 MB. They would take nearly twice the memory of an idle server.
fn use_small_pages() {
    // Where it is not allowed, nothing is lost but memory.
    #[cfg(target_os = "linux")]
    let _ = rustix::thread::disable_transparent_huge_pages(true);
}

fn failed(error: &anyhow::Error) -> ExitCode {
    // If nobody can be told, the exit code still says it.
    let _ = writeln!(stderr(), "midwatch: {error:#}");
    ExitCode::FAILURE
}

async fn run(command: Command) -> Result<ExitCode> {
    let out = &mut stdout();
    match command {
        Command::Serve(flags) => return serve(&flags).await,
        Command::Verify(log) => {
            if !inspect::verify(&config_of(&log)?, out).await? {
                return Ok(ExitCode::FAILURE);
            }
        }
        Command::Rebuild(log) => inspect::rebuild(&config_of(&log)?, out).await?,
        Command::Replay { subject, until, log } => {
            let out = &mut std::io::BufWriter::new(out);
            inspect::replay(&config_of(&log)?, subject.as_ref(), until, out).await?;
        }
        Command::Export { after, subject, log } => {
            let out = &mut std::io::BufWriter::new(out);
            inspect::export(&config_of(&log)?, after, subject.as_ref(), out).await?;
        }
        Command::Schedule(ScheduleCommand::Answer(zones)) => {
            let zones = tzdb::open(zones.tzdb.as_deref())?;
            answer::answer(&mut stdin().lock(), out, &zones)?;
        }
        Command::Schema => out.write_all(api::graphql::sdl().as_bytes())?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Looking at a log must not make an empty one where the name is wrong.
fn config_of(flags: &LogFlags) -> Result<Config> {
    let config = Config::of_log(flags)?;
    if let midwatch::LogLocation::Database(store::DatabaseUrl::Sqlite(path)) = config.log()?
        && !path.is_file()
    {
        bail!("there is no log {}", path.display());
    }
    Ok(config)
}

async fn serve(flags: &ServeFlags) -> Result<ExitCode> {
    let mut config = Config::of_serve(flags)?;
    let traces = telemetry::start(&config)?;
    let made_token = config.admin_token.is_none();
    if made_token {
        config.admin_token = Some(token());
    } else if config.admin_token.as_deref().is_some_and(|token| token.trim().len() < 8) {
        bail!("--admin-token: an administrator token has at least 8 characters");
    }
    let token = config.admin_token.clone().unwrap_or_default();
    let stop = stop_signal()?;
    let mut running = midwatch::start(config, Parts::default()).await?;
    tracing::info!(address = %running.address, url = running.app.settings.public_url, "serving");
    if let Some(address) = running.mail_address {
        tracing::info!(%address, domain = running.app.settings.mail_domain, "taking mail");
    }
    greet(&running, made_token, &token);
    let fault = tokio::select! {
        fault = running.fault() => fault,
        name = stop => {
            tracing::info!(signal = name, "stopping");
            None
        }
    };
    if let Some(why) = &fault {
        tracing::error!(why, "a part that must not end has ended; stopping");
    }
    let stopped = running.shutdown().await;
    if let Some(traces) = traces {
        traces.finish().await;
    }
    stopped?;
    Ok(if fault.is_some() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Says what one needs to begin, to a person rather than to a log.
fn greet(running: &midwatch::Running, made_token: bool, token: &str) {
    let mut out = stdout();
    let (terminal, demo) = (out.is_terminal(), running.demo.as_ref());
    let words = match demo {
        // Other tokens do not belong into a collected log; a demo has nothing to hide, and its keys are in its source.
        Some(demo) => demo.invitation(token),
        None if !made_token => return,
        None if terminal => format!(
            "\n  Administrator token of this run (set MIDWATCH_ADMIN_TOKEN to choose one):\n    {token}\n\n"
        ),
        None => {
            tracing::warn!(
                "no administrator token is configured, and there is no terminal to show a made one on"
            );
            return;
        }
    };
    // A terminal that hung up is no reason to stop.
    let _ = out.write_all(words.as_bytes()).and_then(|()| out.flush());
}

fn token() -> String {
    commands::mint::secret::<24>().iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

/// Resolves to the name of the signal that asks the process to end.
fn stop_signal() -> Result<impl Future<Output = &'static str>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for signals")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for signals")?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
        }
    })
}
