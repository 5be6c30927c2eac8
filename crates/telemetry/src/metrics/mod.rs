//! Metrics: [`CATALOGUE`] has every name, the functions here record under them, [`Exporter`] renders what
//! Prometheus scrapes. No label comes from what a caller sends: routes are templates, the rest are words
//! of ours.

mod catalogue;
mod exporter;
mod record;

pub use catalogue::{AGE_BOUNDS, CATALOGUE, Kind, Metric};
pub use exporter::{Exporter, ThreadExporter};
pub use record::{
    Connections, OpenConnection, Query, build, cycle_started, cycles_ended, database_pool,
    device_ages, envelopes, http_answered, query, updates,
};
