//! Metrics in Prometheus' text format.

use std::sync::{Arc, OnceLock};

use api::App;
use metrics::{Unit, describe_counter, describe_gauge, describe_histogram, gauge};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

/// Bounds of durations, in seconds: from a commit in memory to a provider that is hardly there.
const SECONDS: [f64; 14] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0];
/// Bounds of group sizes.
const SIZES: [f64; 10] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0];

/// Every node of a process shares one recorder.
static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();

fn recorder() -> &'static PrometheusHandle {
    RECORDER.get_or_init(|| {
        let builder = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)
            .and_then(|builder| {
                builder.set_buckets_for_metric(Matcher::Suffix("_appends".to_owned()), &SIZES)
            })
            .expect("there are bounds");
        let recorder = builder.build_recorder();
        let handle = recorder.handle();
        // A process that has another recorder keeps it, and then there is nothing to show here.
        let _ = metrics::set_global_recorder(recorder);
        describe();
        handle
    })
}

/// Writes all metrics.
pub fn metrics(app: App) -> Arc<dyn Fn() -> String + Send + Sync> {
    let recorder = recorder();
    Arc::new(move || {
        gauge!("midwatch_log_head_position").set(to_f64(app.engine.store().head()));
        gauge!("midwatch_read_models_position").set(to_f64(app.reads.position()));
        let version = app.directory.now().zones.version().to_owned();
        gauge!("midwatch_tzdb_info", "version" => version).set(1.0);
        if let Some(bytes) = resident_bytes() {
            gauge!("midwatch_process_resident_memory_bytes").set(to_f64(bytes));
        }
        recorder.render()
    })
}

/// Folds recorded durations into their buckets, so that they do not pile up where nobody asks for them.
pub fn tidy_up() {
    recorder().run_upkeep();
}

#[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
const fn to_f64(number: u64) -> f64 {
    number as f64
}

/// What the process occupies, where the system tells.
fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
}

fn describe() {
    for (name, what) in [
        ("midwatch_webhook_messages_total", "Messages of monitoring tools, by format and outcome."),
        ("midwatch_webhook_limited_total", "Messages beyond the rate limit of their integration, by format."),
        ("midwatch_http_panics_total", "Requests that made the server panic."),
        ("midwatch_store_busy_total", "Appends refused because the queue was full."),
        ("midwatch_store_conflicts_total", "Appends that lost a race for their stream."),
        ("midwatch_commands_conflicts_total", "Commands judged again after a lost race."),
        ("midwatch_connector_sent_total", "Pages that a provider took, by provider."),
        ("midwatch_connector_failures_total", "Pages that a provider did not take, by provider and code."),
        ("midwatch_nobody_to_page_total", "Levels for which there was nobody to page."),
        ("midwatch_reactor_faults_total", "Faults that a reactor waited out, by reactor."),
        ("midwatch_intake_unreadable_total", "Deliveries that could not be read back."),
        ("midwatch_intake_translator_failures_total", "Deliveries on which the translation failed."),
        ("midwatch_pager_unreadable_total", "Events that the pager could not read."),
        ("midwatch_clock_unreadable_total", "Deadlines whose incident could not be read."),
        ("midwatch_projection_events_total", "Events folded into the read models."),
        ("midwatch_projection_faults_total", "Faults of the read models' database that were waited out."),
        ("midwatch_projection_overtaken_total", "Batches that another node had folded already."),
        ("midwatch_projection_retries_total", "Batches that were folded again after a fault."),
        ("midwatch_projection_unknown_events_total", "Events of a newer version, which no read model knows."),
        (
            "midwatch_notices_total",
            "Notices about time on call, by what they are about and what became of them.",
        ),
        ("midwatch_notice_failures_total", "Notices that a provider did not take, by provider and code."),
        ("midwatch_notices_unreadable_total", "Events of schedules and notices that could not be read."),
        ("midwatch_graphql_requests_total", "GraphQL operations over HTTP, by whether they failed."),
        ("midwatch_graphql_payloads_total", "Payloads of subscriptions, by outcome."),
    ] {
        describe_counter!(name, what);
    }
    for (name, what) in [
        ("midwatch_log_head_position", "The last position of the log."),
        ("midwatch_projection_position", "The position up to which this node has folded the log."),
        ("midwatch_graphql_sockets", "Sockets that are open."),
        ("midwatch_store_head", "The last position that the store announced."),
        ("midwatch_read_models_position", "The position up to which the read models are folded."),
        ("midwatch_store_queue_events", "Events that wait to be committed or are being committed."),
        ("midwatch_clock_last_tick_seconds", "When the clock last looked for what is due, since 1970."),
        ("midwatch_notices_open", "Notices that are to be sent, now or again later."),
        ("midwatch_tzdb_info", "Which edition of the time zone database is in use; always 1."),
        ("midwatch_process_resident_memory_bytes", "Memory that the process occupies."),
    ] {
        describe_gauge!(name, what);
    }
    for (name, what) in [
        ("midwatch_webhook_seconds", "From the first byte of a message to its answer, by format."),
        (
            "midwatch_delivery_decided_seconds",
            "From when a message was recorded until what became of it was.",
        ),
        ("midwatch_store_append_seconds", "From an append to its outcome."),
        ("midwatch_projection_batch_seconds", "Folding one batch of events into the read models."),
        ("midwatch_store_commit_seconds", "One commit of a group of appends."),
        ("midwatch_connector_send_seconds", "One attempt to hand over a page, by provider."),
        ("midwatch_notice_send_seconds", "One attempt to hand over a notice, by provider."),
    ] {
        describe_histogram!(name, Unit::Seconds, what);
    }
    describe_histogram!("midwatch_store_group_appends", Unit::Count, "Appends committed together.");
}
