//! Keeping what is recorded, and rendering it for Prometheus.

use anyhow::anyhow;
use metrics::{KeyName, LocalRecorderGuard, Recorder};
use metrics_exporter_prometheus::{
    Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder,
};

use super::catalogue::{CATALOGUE, Kind};

/// What renders the metrics of this process. Cheap to clone.
#[derive(Clone)]
pub struct Exporter(PrometheusHandle);

impl Exporter {
    /// Keeps everything that is recorded in this process from now on.
    ///
    /// # Errors
    /// When the process has an exporter already.
    pub fn install() -> anyhow::Result<Self> {
        let recorder = recorder()?;
        let exporter = Self(recorder.handle());
        metrics::set_global_recorder(recorder).map_err(|_| anyhow!("metrics are kept already"))?;
        Ok(exporter)
    }

    /// Keeps what is recorded on this thread, until it is dropped: for tests, which share a process.
    ///
    /// # Errors
    /// When the catalogue is not sound.
    pub fn on_this_thread() -> anyhow::Result<ThreadExporter> {
        // A test's, so it may stay.
        let recorder: &'static PrometheusRecorder = Box::leak(Box::new(recorder()?));
        Ok(ThreadExporter {
            exporter: Self(recorder.handle()),
            _recording: metrics::set_default_local_recorder(recorder),
        })
    }

    /// In Prometheus' text format.
    pub fn render(&self) -> String {
        self.0.render()
    }

    /// Sorts what was recorded into its buckets. Values wait for it or for [`Exporter::render`], so it must
    /// be called every few seconds whether anybody scrapes or not.
    pub fn keep_up(&self) {
        self.0.run_upkeep();
    }
}

/// The metrics of one thread.
pub struct ThreadExporter {
    exporter: Exporter,
    _recording: LocalRecorderGuard<'static>,
}

impl ThreadExporter {
    /// Whether this line is among those that Prometheus would scrape.
    pub fn has(&self, line: &str) -> bool {
        self.exporter.render().lines().any(|is| is == line)
    }

    /// All that Prometheus would scrape.
    pub fn render(&self) -> String {
        self.exporter.render()
    }
}

fn recorder() -> anyhow::Result<PrometheusRecorder> {
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
        let kept = Exporter::on_this_thread().expect("a sound catalogue");
        act();
        kept.render()
    }

    #[test]
    fn what_is_recorded_is_rendered_with_its_meaning() {
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
    fn no_caller_makes_up_labels() {
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
    fn open_connections_are_those_that_are_not_dropped() {
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
