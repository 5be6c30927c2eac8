//! The exporter of spans: a bounded queue that drops what does not fit, and a thread that sends batches.

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

/// The time limit for one batch, and at shutdown for all that is left.
const TIME_LIMIT: Duration = Duration::from_secs(5);

static EXPORTING: AtomicBool = AtomicBool::new(false);

pub(super) fn is_exporting() -> bool {
    EXPORTING.load(Ordering::Relaxed)
}

/// Exports spans to a collector.
#[derive(Clone, Debug)]
pub struct SpanExport(SdkTracerProvider);

impl SpanExport {
    /// Starts exporting to a collector, whose base URL is such as `http://127.0.0.1:4318`. Must run on a tokio
    /// runtime.
    ///
    /// # Errors
    /// When the endpoint is not a URL.
    pub fn try_new(
        endpoint: &str,
        service: &'static str,
        version: &'static str,
    ) -> anyhow::Result<Self> {
        let url = format!("{}/v1/traces", endpoint.trim_end_matches('/'));
        let collector = Collector::try_new(Handle::current(), TIME_LIMIT)
            .context("no HTTP client for spans")?;
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(collector)
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(url)
            .with_timeout(TIME_LIMIT)
            .build()
            // The error is dropped because it would quote the URL, which may contain a secret.
            .map_err(|_| {
                anyhow::anyhow!("OTLP_ENDPOINT is not a URL such as http://127.0.0.1:4318")
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

    /// Stops exporting, and sends what is left within a few seconds.
    pub async fn finish(self) {
        EXPORTING.store(false, Ordering::Relaxed);
        // The provider waits for its thread, which waits for this runtime: waiting here would block both.
        let finished =
            tokio::task::spawn_blocking(move || self.0.shutdown_with_timeout(TIME_LIMIT));
        // If the collector is down, `Collector` has already logged a warning.
        let _ = finished.await;
    }
}

/// Makes the layer that turns our spans into OpenTelemetry spans. Log events and the driver's spans are left out.
pub(crate) fn layer<S>(export: &SpanExport) -> impl Layer<S> + use<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    // Everything that is not needed is switched off, because a span is entered and left many times.
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
    let (crate_name, _) = metadata
        .target()
        .split_once("::")
        .unwrap_or((metadata.target(), ""));
    metadata.is_span() && ["api", "application", "providers"].contains(&crate_name)
}
