//! The list of all metrics: the one place that has their names, labels and buckets.

/// The kind of a metric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// A counter only grows.
    Counter,
    /// A gauge has the present value.
    Gauge,
    /// A histogram counts values in buckets, which end at these bounds.
    Histogram(&'static [f64]),
}

/// A metric.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    /// The name in Prometheus, with its unit.
    pub name: &'static str,
    /// The kind.
    pub kind: Kind,
    /// The labels that it may have.
    pub labels: &'static [&'static str],
    /// The explanation that `/metrics` shows.
    pub meaning: &'static str,
}

/// The buckets of reads and writes: from a parked fleet's batch to the statement time limit.
const LATENCY: &[f64] = &[
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
];
/// The buckets of cycle starts: within a second as a rule, within two by contract, a lease late after a kill.
const LATENESS: &[f64] = &[
    0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0,
];
/// The buckets of device ages in seconds. NFR-001 has its limit at 300 s. By default a device is `delayed` above
/// 360 s and `stale` above 900 s.
pub const AGE_BOUNDS: &[f64] = &[
    30.0, 60.0, 120.0, 240.0, 300.0, 330.0, 360.0, 600.0, 900.0, 1_800.0, 3_600.0, 21_600.0,
    86_400.0, 604_800.0,
];

pub(super) const CYCLES: Metric = Metric {
    name: "telematics_cycles_total",
    kind: Kind::Counter,
    labels: &["outcome"],
    meaning: "Poll cycles that ended, by how.",
};
pub(super) const START_DEVIATION: Metric = Metric {
    name: "telematics_cycle_start_deviation_seconds",
    kind: Kind::Histogram(LATENESS),
    labels: &[],
    meaning: "How long after their due time scheduled cycles were first started.",
};
pub(super) const DEVICE_AGE: Metric = Metric {
    name: "telematics_device_age_seconds",
    kind: Kind::Histogram(AGE_BOUNDS),
    labels: &[],
    meaning: "How long ago active devices had their last accepted update, or were activated, as a poll cycle of their workspace began.",
};
pub(super) const UPDATES: Metric = Metric {
    name: "telematics_updates_total",
    kind: Kind::Counter,
    labels: &["outcome", "reason"],
    meaning: "Updates that were judged and committed, by outcome and, where rejected, by reason.",
};
pub(super) const ENVELOPES: Metric = Metric {
    name: "telematics_envelopes_total",
    kind: Kind::Counter,
    labels: &["outcome", "reason"],
    meaning: "Provider envelopes that were judged and committed, by outcome and, where rejected, ignored or quarantined, by reason.",
};
pub(super) const QUERY_DURATION: Metric = Metric {
    name: "telematics_query_duration_seconds",
    kind: Kind::Histogram(LATENCY),
    labels: &["query", "devices"],
    meaning: "How long use cases took in the database and in the rules; of health also by how many devices were evaluated.",
};
pub(super) const HTTP_DURATION: Metric = Metric {
    name: "http_server_request_duration_seconds",
    kind: Kind::Histogram(LATENCY),
    labels: &[
        "http_request_method",
        "http_route",
        "http_response_status_code",
    ],
    meaning: "How long requests took, from the end of the head to the answer's.",
};
pub(super) const OPEN_CONNECTIONS: Metric = Metric {
    name: "http_server_open_connections",
    kind: Kind::Gauge,
    labels: &[],
    meaning: "Connections of clients that are open.",
};
pub(super) const POOL: Metric = Metric {
    name: "db_client_connection_count",
    kind: Kind::Gauge,
    labels: &["state"],
    meaning: "Connections to the database, idle and used.",
};
pub(super) const POOL_MAX: Metric = Metric {
    name: "db_client_connection_max",
    kind: Kind::Gauge,
    labels: &[],
    meaning: "Connections to the database that may be open at once.",
};
pub(super) const BUILD_INFO: Metric = Metric {
    name: "telematics_build_info",
    kind: Kind::Gauge,
    labels: &["version"],
    meaning: "Which version runs: always 1.",
};

/// All metrics, in the order of docs/operations.md.
pub const CATALOGUE: [Metric; 11] = [
    CYCLES,
    START_DEVIATION,
    DEVICE_AGE,
    UPDATES,
    ENVELOPES,
    QUERY_DURATION,
    HTTP_DURATION,
    OPEN_CONNECTIONS,
    POOL,
    POOL_MAX,
    BUILD_INFO,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_documents_every_metric_with_its_labels() {
        let documented = include_str!("../../../../docs/operations.md");
        for metric in CATALOGUE {
            let row = documented
                .lines()
                .find(|line| line.starts_with(&format!("| `{}` |", metric.name)));
            let row = row.unwrap_or_else(|| panic!("{} has no row", metric.name));
            for label in metric.labels {
                assert!(row.contains(&format!("`{label}`")), "{label} in {row}");
            }
        }
    }

    #[test]
    fn the_bounds_of_every_histogram_increase() {
        for metric in CATALOGUE {
            if let Kind::Histogram(bounds) = metric.kind {
                assert!(
                    bounds.is_sorted_by(|a, b| a < b),
                    "{}: {bounds:?}",
                    metric.name
                );
            }
        }
    }
}
