//! The exporter, which collects what is recorded and renders it for Prometheus.

use anyhow::anyhow;
use metrics::{KeyName, LocalRecorderGuard, Recorder};
use metrics_exporter_prometheus::{
    Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder,
};

use super::catalogue::{CATALOGUE, Kind};

/// Renders the metrics of this process. Cheap to clone.
#[derive(Clone)]
pub struct Exporter(PrometheusHandle);

impl Exporter {
    /// Starts collecting everything that this process records.
    ///
    /// # Errors
    /// When the process already has an exporter.
    pub fn install() -> anyhow::Result<Self> {
        let recorder = build_recorder()?;
        let exporter = Self(recorder.handle());
        metrics::set_global_recorder(recorder)
            .map_err(|_| anyhow!("this process already has a metrics exporter"))?;
        Ok(exporter)
    }

    /// Collects what this thread records, until the exporter is dropped. It is for tests, which share a process.
    ///
    /// # Errors
    /// When the buckets of a metric cannot be used.
    pub fn on_this_thread() -> anyhow::Result<ThreadExporter> {
        // The recorder is never freed, which a test may do.
        let recorder: &'static PrometheusRecorder = Box::leak(Box::new(build_recorder()?));
        Ok(ThreadExporter {
            exporter: Self(recorder.handle()),
            _recording: metrics::set_default_local_recorder(recorder),
        })
    }

    /// Renders all metrics in Prometheus' text format.
    pub fn render(&self) -> String {
        self.0.render()
    }

    /// Sorts the recorded values into their buckets. Values pile up until this or [`Exporter::render`] is called,
    /// so it must be called every few seconds, whether anybody scrapes or not.
    pub fn run_upkeep(&self) {
        self.0.run_upkeep();
    }
}

/// Collects the metrics of one thread until it is dropped.
pub struct ThreadExporter {
    exporter: Exporter,
    _recording: LocalRecorderGuard<'static>,
}

impl ThreadExporter {
    /// Whether Prometheus would scrape this line.
    pub fn has(&self, line: &str) -> bool {
        self.exporter.render().lines().any(|is| is == line)
    }

    /// Renders all that Prometheus would scrape.
    pub fn render(&self) -> String {
        self.exporter.render()
    }
}

fn build_recorder() -> anyhow::Result<PrometheusRecorder> {
    let mut builder = PrometheusBuilder::new();
    for metric in CATALOGUE {
        if let Kind::Histogram(bounds) = metric.kind {
            builder = builder.set_buckets_for_metric(Matcher::Full(metric.name.into()), bounds)?;
        }
    }
    let recorder = builder.build_recorder();
    for metric in CATALOGUE {
        let (name, meaning) = (KeyName::from_const_str(metric.name), metric.meaning.into());
        match metric.kind {
            Kind::Counter => recorder.describe_counter(name, None, meaning),
            Kind::Gauge => recorder.describe_gauge(name, None, meaning),
            Kind::Histogram(_) => recorder.describe_histogram(name, None, meaning),
        }
    }
    Ok(recorder)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::metrics;

    use super::*;

    fn scraped(act: impl FnOnce()) -> String {
        let exporter = Exporter::on_this_thread().expect("usable buckets");
        act();
        exporter.render()
    }

    #[test]
    fn a_recorded_metric_is_rendered_with_its_meaning() {
        let text = scraped(|| {
            metrics::cycles_ended("partial", 1);
            metrics::cycles_ended("partial", 1);
            metrics::cycle_started(Duration::from_millis(1_500));
            metrics::updates("rejected", "future_timestamp", 3);
            metrics::device_ages(Duration::from_secs(290), 57);
            metrics::device_ages(Duration::from_mins(40), 3);
        });
        for line in [
            "# TYPE telematics_cycles_total counter",
            "# HELP telematics_cycles_total Poll cycles that ended, by how.",
            r#"telematics_cycles_total{outcome="partial"} 2"#,
            r#"telematics_cycle_start_deviation_seconds_bucket{le="1"} 0"#,
            r#"telematics_cycle_start_deviation_seconds_bucket{le="2"} 1"#,
            r#"telematics_updates_total{outcome="rejected",reason="future_timestamp"} 3"#,
            r#"telematics_device_age_seconds_bucket{le="300"} 57"#,
            "telematics_device_age_seconds_count 60",
        ] {
            assert!(text.lines().any(|is| is == line), "{line} in\n{text}");
        }
    }

    #[test]
    fn a_use_case_is_measured_however_it_ends() {
        let text = scraped(|| {
            drop(metrics::query("audit"));
            let mut health = metrics::query("health");
            health.about_devices(1_000);
        });
        for line in [
            r#"telematics_query_duration_seconds_count{query="audit"} 1"#,
            r#"telematics_query_duration_seconds_count{query="health",devices="up_to_1000"} 1"#,
        ] {
            assert!(text.lines().any(|is| is == line), "{line} in\n{text}");
        }
    }

    #[test]
    fn a_caller_cannot_create_labels() {
        let text = scraped(|| {
            metrics::http_answered("GET", Some("/a/{b}"), 200, Duration::from_millis(3));
            metrics::http_answered("BREW", None, 404, Duration::ZERO);
            metrics::http_answered("STEEP", None, 404, Duration::ZERO);
        });
        let count = "http_server_request_duration_seconds_count";
        for line in [
            r#"{http_request_method="GET",http_route="/a/{b}",http_response_status_code="200"} 1"#,
            r#"{http_request_method="_OTHER",http_route="unmatched",http_response_status_code="404"} 2"#,
        ] {
            let line = format!("{count}{line}");
            assert!(text.lines().any(|is| is == line), "{line} in\n{text}");
        }
    }

    #[test]
    fn a_connection_is_open_until_it_is_dropped() {
        let text = scraped(|| {
            let connections = metrics::Connections::counted();
            let open = connections.open();
            drop(connections.open());
            std::mem::forget(open);
        });
        assert!(
            text.contains("\nhttp_server_open_connections 1\n"),
            "{text}"
        );
    }
}
