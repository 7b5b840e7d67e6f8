//! What the process says about itself: logs, traces, metrics.

mod metrics;
mod traces;

use std::io::{IsTerminal, stderr};

use anyhow::{Context, Result};
use tracing_subscriber::{EnvFilter, Layer, filter::Targets, layer::SubscriberExt, util::SubscriberInitExt};

pub use metrics::{metrics, tidy_up};
pub use traces::Traces;

use crate::config::{Config, LogFormat};

/// The target of the spans on the road from webhook to page: there are many, and logs do without them.
const ROAD: &str = "midwatch::road";
/// Libraries that say at length what their callers say once.
const QUIET: &str = "refinery_core=warn,tokio_postgres=error,deadpool_postgres=error,deadpool=error";

/// Begins to log, and to trace where an endpoint is configured. The traces end with the returned value.
pub fn start(config: &Config) -> Result<Option<Traces>> {
    let filter = format!("{QUIET},{},{ROAD}=off", config.log_filter);
    let filter = EnvFilter::try_new(&filter)
        .with_context(|| format!("--log-filter: `{}` is no filter such as info", config.log_filter))?;
    // Standard output is for answers.
    let logs = tracing_subscriber::fmt::layer().with_writer(stderr);
    let logs = match config.log_format {
        LogFormat::Json => logs.json().flatten_event(true).with_current_span(false).boxed(),
        LogFormat::Text => logs.with_ansi(stderr().is_terminal()).with_target(false).boxed(),
    };
    let traces = config.otlp_endpoint.as_deref().map(Traces::new).transpose()?;
    let spans = traces.as_ref().map(|traces| {
        // Not the spans of the exporter's own requests, which would trace themselves.
        let ours = ["midwatch", "api", "commands", "store", "projections", "reactors", "connectors"];
        traces.layer().with_filter(Targets::new().with_targets(ours.map(|name| (name, tracing::Level::INFO))))
    });
    tracing_subscriber::registry().with(logs.with_filter(filter)).with(spans).init();
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(%place, "panic: {}", panic.payload_as_str().unwrap_or("no message"));
    }));
    Ok(traces)
}
