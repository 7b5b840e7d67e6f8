//! Traces as OTLP over HTTP.

use std::{fmt, time::Duration};

use anyhow::{Context, Result, bail};
use opentelemetry::trace::TracerProvider;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::{Resource, trace::SdkTracerProvider};
use tokio::runtime::Handle;
use tracing_opentelemetry::OpenTelemetryLayer;

/// How long the collector may take for one batch.
const WITHIN: Duration = Duration::from_secs(10);

/// The way of spans to the collector.
#[derive(Debug)]
pub struct Traces(SdkTracerProvider);

impl Traces {
    /// Sends spans in batches to the collector at `endpoint`, to its path `/v1/traces`. Needs a runtime around it.
    pub fn new(endpoint: &str) -> Result<Self> {
        let base = endpoint.trim().trim_end_matches('/');
        if !base.starts_with("http://") && !base.starts_with("https://") {
            bail!("--otlp-endpoint: `{endpoint}` is no address such as http://localhost:4318");
        }
        let endpoint =
            if base.ends_with("/v1/traces") { base.to_owned() } else { format!("{base}/v1/traces") };
        connectors::install_tls();
        let client = reqwest::Client::builder().timeout(WITHIN).build().context("--otlp-endpoint")?;
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(OnRuntime { client, runtime: Handle::current() })
            .with_endpoint(endpoint)
            .with_timeout(WITHIN)
            .build()
            .context("--otlp-endpoint")?;
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_resource(Resource::builder().with_service_name("midwatch").build())
            .build();
        Ok(Self(provider))
    }

    /// The layer that turns `tracing`'s spans into the collector's.
    pub(super) fn layer<S>(&self) -> OpenTelemetryLayer<S, opentelemetry_sdk::trace::SdkTracer>
    where
        S: tracing::Subscriber + for<'lookup> tracing_subscriber::registry::LookupSpan<'lookup>,
    {
        tracing_opentelemetry::layer().with_tracer(self.0.tracer("midwatch"))
    }

    /// Sends what is left.
    pub async fn finish(self) {
        // Waits for the exporter's thread, whose requests run on this runtime.
        let outcome = tokio::task::spawn_blocking(move || self.0.shutdown_with_timeout(WITHIN)).await;
        if let Ok(Err(error)) = outcome {
            tracing::warn!(%error, "the last traces could not be sent");
        }
    }
}

/// Makes the requests of the exporter's thread on the runtime, because that thread has none.
struct OnRuntime {
    client: reqwest::Client,
    runtime: Handle,
}

impl fmt::Debug for OnRuntime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OnRuntime")
    }
}

impl HttpClient for OnRuntime {
    fn send_bytes<'life, 'future>(
        &'life self,
        request: Request<Bytes>,
    ) -> std::pin::Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'future>>
    where
        'life: 'future,
        Self: 'future,
    {
        let client = self.client.clone();
        let sending = self.runtime.spawn(async move { client.send_bytes(request).await });
        Box::pin(async move { sending.await? })
    }
}
