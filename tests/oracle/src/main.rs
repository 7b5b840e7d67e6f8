//! What the stock `postgres-es` makes of our log, and how fast it appends.
//!
//! `oracle replay URL TYPE ID` loads one aggregate from our `events` table through the unchanged repository and
//! store of `postgres-es` and prints what it read as JSON. `oracle append-bench URL SECONDS CONCURRENCY BYTES`
//! appends with `postgres-es` as it is shipped, in a database of its own, and prints the rate as JSON.

mod bench;
mod replay;

use std::{env, error::Error, process::ExitCode};

const USAGE: &str = "usage: oracle replay URL AGGREGATE_TYPE AGGREGATE_ID
       oracle append-bench URL SECONDS CONCURRENCY BYTES";

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match run(&arguments.iter().map(String::as_str).collect::<Vec<_>>()).await {
        Ok(answer) => {
            println!("{answer:#}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("oracle: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &[&str]) -> Result<serde_json::Value, Box<dyn Error>> {
    match arguments {
        ["replay", url, kind, id] => replay::replay(url, kind, id).await,
        ["append-bench", url, seconds, concurrency, bytes] => {
            bench::append(url, seconds.parse()?, concurrency.parse()?, bytes.parse()?).await
        }
        _ => Err(USAGE.into()),
    }
}
