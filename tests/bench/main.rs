//! How fast Midwatch is on this machine: the questions an operator would ask, each with the limit it must keep.
//!
//! `bench [--quick] [--sqlite|--postgres] [name…]` measures what is named, or everything, on one database or on both.
//! The load generator, the server and the database share the machine; what else ran beside them is told, because it
//! decides what the numbers mean.

mod alerts;
mod append;
mod burst;
mod database;
mod deadlines;
mod everywhere;
mod graphql;
mod group;
mod http;
mod ingest;
mod latency;
mod load;
mod machine;
mod noise;
mod queries;
mod rebuild;
mod report;
mod schedules;
mod seed;
mod server;
mod sink;
mod socket;
mod stand;
mod start;
mod stats;
mod subscribers;
mod translation;
mod world;

use std::process::ExitCode;

use tokio::task::LocalSet;

use self::{database::Kind, report::Report};

/// The server's, so that what is measured in this process costs about what it costs there.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A measurement that cannot be made says why.
type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

const NAMES: [&str; 14] = [
    "append",
    "translation",
    "group",
    "ingest",
    "burst",
    "noise",
    "latency",
    "subscribers",
    "deadlines",
    "queries",
    "alerts",
    "start",
    "rebuild",
    "schedules",
];

/// How much to measure.
#[derive(Clone, Copy, Debug)]
struct Scale {
    quick: bool,
}

impl Scale {
    /// The whole amount, or a tenth of it for a quick look.
    const fn of(self, amount: usize) -> usize {
        if self.quick { amount / 10 } else { amount }
    }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let scale = Scale { quick: arguments.iter().any(|argument| argument == "--quick") };
    let is_name = |argument: &&str| *argument != "--quick" && Kind::asked(argument).is_none();
    let mut names: Vec<&str> = arguments.iter().map(String::as_str).filter(is_name).collect();
    if let Some(unknown) = names.iter().find(|name| !NAMES.contains(name)) {
        eprintln!(
            "`{unknown}` is not measured; choose from: {} (and --quick, --sqlite, --postgres)",
            NAMES.join(" ")
        );
        return ExitCode::from(2);
    }
    if names.is_empty() {
        names = NAMES.to_vec();
    }
    println!("{}", machine::note());
    if database::cluster().is_none() {
        println!("MIDWATCH_TEST_POSTGRES names no cluster: PostgreSQL is left out");
    }
    // One thread for nearly everything outside the server, so that its share of the machine is known and small.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("the operating system gives a runtime");
    let mut report = Report::default();
    let finished = LocalSet::new().block_on(&runtime, async {
        tokio::select! {
            () = measure(&names, scale, &mut report) => true,
            _ = tokio::signal::ctrl_c() => false,
        }
    });
    if finished && report.sum() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

async fn measure(names: &[&str], scale: Scale, report: &mut Report) {
    let stored = names.iter().any(|name| !matches!(*name, "translation" | "schedules"));
    if stored && !scale.quick && database::kinds().contains(&Kind::Postgres) {
        match database::warm().await {
            Ok(()) => println!("PostgreSQL has written each file of its own log once"),
            Err(why) => println!("PostgreSQL makes files of its own log on the way: {why}"),
        }
    }
    for name in names {
        println!("\n{name} (load average {})", machine::load());
        let outcome = match *name {
            "append" => append::measure(scale, report).await,
            "translation" => translation::measure(scale, report),
            "group" => group::measure(scale, report).await,
            "ingest" => ingest::measure(scale, report).await,
            "burst" => burst::measure(report).await,
            "noise" => noise::measure(scale, report).await,
            "latency" => latency::measure(scale, report).await,
            "subscribers" => subscribers::measure(scale, report).await,
            "deadlines" => deadlines::measure(scale, report).await,
            "queries" => queries::measure(scale, report).await,
            "alerts" => queries::measure_alerts(scale, report).await,
            "start" => start::measure(report).await,
            "schedules" => match schedules::measure(report) {
                Ok(()) => everywhere::measure(scale, report).await,
                failed => failed,
            },
            _ => rebuild::measure(scale, report).await,
        };
        if let Err(why) = outcome {
            report.broken(name, &why.to_string());
        }
    }
}
