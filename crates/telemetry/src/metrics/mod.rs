//! Metrics. [`CATALOGUE`] lists them, the functions of this module record them, and [`Exporter`] renders them for
//! Prometheus. No label comes from a caller: routes are templates, and all other labels are words of this program.

mod catalogue;
mod exporter;
mod record;

pub use catalogue::{AGE_BOUNDS, CATALOGUE, Kind, Metric};
pub use exporter::{Exporter, ThreadExporter};
pub use record::{
    Connections, OpenConnection, Query, build, cycle_started, cycles_ended, database_pool,
    device_ages, envelopes, http_answered, query, updates,
};
