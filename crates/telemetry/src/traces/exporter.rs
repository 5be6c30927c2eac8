//! Exporting spans: a queue that drops what is too much, and a thread that sends it in batches.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context;
use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tokio::runtime::Handle;
use tracing::{Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::registry::LookupSpan;

use super::collector::Collector;
use super::ids::OwnTraceIds;

/// How long the collector may take for a batch, and the last ones at shutdown altogether.
const PATIENCE: Duration = Duration::from_secs(5);

static EXPORTING: AtomicBool = AtomicBool::new(false);

pub(super) fn is_exporting() -> bool {
    EXPORTING.load(Ordering::Relaxed)
}

/// What exports spans.
#[derive(Clone, Debug)]
pub struct SpanExport(SdkTracerProvider);

impl SpanExport {
    /// Exports to a collector, by its base URL as `http://127.0.0.1:4318`. Needs a runtime around it.
    ///
    /// # Errors
    /// An endpoint that is no URL.
    pub fn try_new(
        endpoint: &str,
        service: &'static str,
        version: &'static str,
    ) -> anyhow::Result<Self> {
        let url = format!("{}/v1/traces", endpoint.trim_end_matches('/'));
        let collector =
            Collector::try_new(Handle::current(), PATIENCE).context("no HTTP client for spans")?;
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(collector)
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(url)
            .with_timeout(PATIENCE)
            .build()
            // It would quote the URL.
            .map_err(|_| {
                anyhow::anyhow!("OTLP_ENDPOINT is no URL such as http://127.0.0.1:4318")
            })?;
        let resource = Resource::builder_empty()
            .with_service_name(service)
            .with_attribute(KeyValue::new("service.version", version))
            .build();
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_id_generator(OwnTraceIds::default())
            .with_resource(resource)
            .build();
        EXPORTING.store(true, Ordering::Relaxed);
        Ok(Self(provider))
    }

    /// Sends what is left, within a few seconds; nothing is exported any more.
    pub async fn finish(self) {
        EXPORTING.store(false, Ordering::Relaxed);
        // It waits for its thread, which waits for this runtime.
        let finished = tokio::task::spawn_blocking(move || self.0.shutdown_with_timeout(PATIENCE));
        // A collector that is down has been told of.
        let _ = finished.await;
    }
}

/// Turns our spans into spans of OpenTelemetry. Lines are not among them, nor what the driver does.
pub(crate) fn layer<S>(export: &SpanExport) -> impl Layer<S> + use<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    // What is not needed is switched off: a span is stepped into and out of many times.
    tracing_opentelemetry::layer()
        .with_tracer(export.0.tracer("telematics"))
        .with_context_activation(false)
        .with_tracked_inactivity(false)
        .with_location(false)
        .with_threads(false)
        .with_target(false)
        .with_filter(filter_fn(is_ours))
}

fn is_ours(metadata: &Metadata<'_>) -> bool {
    let (of, _) = metadata
        .target()
        .split_once("::")
        .unwrap_or((metadata.target(), ""));
    metadata.is_span() && ["api", "application", "providers"].contains(&of)
}
