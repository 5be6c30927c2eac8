//! The functions by which the other crates record metrics. Each makes one or two increments. None reads, waits or
//! fails.

use std::time::Duration;

use clock::Stopwatch;
use metrics::{Gauge, counter, gauge, histogram};

use super::catalogue::{
    BUILD_INFO, CYCLES, DEVICE_AGE, ENVELOPES, HTTP_DURATION, OPEN_CONNECTIONS, POOL, POOL_MAX,
    QUERY_DURATION, START_DEVIATION, UPDATES,
};

/// The route label of an unmatched path. The path itself may be anything, and a label must not.
const NO_ROUTE: &str = "unmatched";

/// Records that `count` poll cycles ended with an outcome such as `completed`.
pub fn cycles_ended(outcome: &'static str, count: u64) {
    counter!(CYCLES.name, "outcome" => outcome).increment(count);
}

/// Records how late a scheduled cycle was at its first start.
pub fn cycle_started(late: Duration) {
    histogram!(START_DEVIATION.name).record(late);
}

/// Records that `devices` devices had about this age.
pub fn device_ages(age: Duration, devices: usize) {
    histogram!(DEVICE_AGE.name).record_many(age, devices);
}

/// Records that `count` updates ended with an outcome. `reason` is empty unless they were rejected.
pub fn updates(outcome: &'static str, reason: &'static str, count: u64) {
    counter!(UPDATES.name, "outcome" => outcome, "reason" => reason).increment(count);
}

/// Records that `count` envelopes ended with an outcome. `reason` is empty if the outcome needs none.
pub fn envelopes(outcome: &'static str, reason: &'static str, count: u64) {
    counter!(ENVELOPES.name, "outcome" => outcome, "reason" => reason).increment(count);
}

/// Records the answer to a request. `route` is the template and never the path. All methods that HTTP does not
/// define share one label.
pub fn http_answered(method: &str, route: Option<&str>, status: u16, took: Duration) {
    let method = match method {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "_OTHER",
    };
    let route = route.unwrap_or(NO_ROUTE).to_owned();
    histogram!(
        HTTP_DURATION.name,
        "http_request_method" => method,
        "http_route" => route,
        "http_response_status_code" => status.to_string(),
    )
    .record(took);
}

/// Records the use of the connection pool.
pub fn database_pool(idle: u32, used: u32, max: u32) {
    gauge!(POOL.name, "state" => "idle").set(idle);
    gauge!(POOL.name, "state" => "used").set(used);
    gauge!(POOL_MAX.name).set(max);
}

/// Records the version that runs.
pub fn build(version: &'static str) {
    gauge!(BUILD_INFO.name, "version" => version).set(1);
}

/// Starts measuring a use case. The measurement ends when the value is dropped.
pub fn query(name: &'static str) -> Query {
    Query {
        name,
        devices: None,
        stopwatch: Stopwatch::start(),
    }
}

/// A use case that is being measured. A use case that fails or is cancelled counts as well.
#[derive(Debug)]
#[must_use = "the use case is measured until this value is dropped"]
pub struct Query {
    name: &'static str,
    devices: Option<&'static str>,
    stopwatch: Stopwatch,
}

impl Query {
    /// Labels the measurement with the order of magnitude of the devices that the use case was about.
    pub const fn about_devices(&mut self, count: usize) {
        self.devices = Some(match count {
            0..=100 => "up_to_100",
            101..=1_000 => "up_to_1000",
            1_001..=10_000 => "up_to_10000",
            _ => "more",
        });
    }
}

impl Drop for Query {
    fn drop(&mut self) {
        let took = self.stopwatch.elapsed();
        match self.devices {
            None => histogram!(QUERY_DURATION.name, "query" => self.name).record(took),
            Some(devices) => {
                histogram!(QUERY_DURATION.name, "query" => self.name, "devices" => devices)
                    .record(took);
            }
        }
    }
}

/// Counts the open connections of one listener.
#[derive(Clone, Debug)]
pub struct Connections(Gauge);

impl Connections {
    /// Counts the connections of clients.
    pub fn counted() -> Self {
        Self(gauge!(OPEN_CONNECTIONS.name))
    }

    /// Counts nothing, for a listener without a metric.
    pub fn uncounted() -> Self {
        Self(Gauge::noop())
    }

    /// Counts one more connection until the value is dropped.
    pub fn open(&self) -> OpenConnection {
        self.0.increment(1);
        OpenConnection(self.0.clone())
    }
}

/// A connection that counts as open until this value is dropped.
#[derive(Debug)]
#[must_use = "the connection counts as open until this value is dropped"]
pub struct OpenConnection(Gauge);

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.decrement(1);
    }
}
