//! What the other crates say. Each is one or two increments; none reads, waits or fails.

use std::time::{Duration, Instant};

use metrics::{Gauge, counter, gauge, histogram};

use super::catalogue::{
    BUILD_INFO, CYCLES, DEVICE_AGE, ENVELOPES, HTTP_DURATION, OPEN_CONNECTIONS, POOL, POOL_MAX,
    QUERY_DURATION, START_DEVIATION, UPDATES,
};

/// What stands for a path that is no route: it may be anything, and a label may not.
const NO_ROUTE: &str = "unmatched";

/// So many cycles ended so, `completed` or otherwise.
pub fn cycles_ended(outcome: &'static str, count: u64) {
    counter!(CYCLES.name, "outcome" => outcome).increment(count);
}

/// A scheduled cycle was started for the first time, this long after it was due.
pub fn cycle_started(late: Duration) {
    histogram!(START_DEVIATION.name).record(late);
}

/// So many devices were about so old.
pub fn device_ages(age: Duration, devices: usize) {
    histogram!(DEVICE_AGE.name).record_many(age, devices);
}

/// So many updates ended so; `reason` is empty unless they were rejected.
pub fn updates(outcome: &'static str, reason: &'static str, count: u64) {
    counter!(UPDATES.name, "outcome" => outcome, "reason" => reason).increment(count);
}

/// So many envelopes ended so; `reason` is empty where the outcome says all.
pub fn envelopes(outcome: &'static str, reason: &'static str, count: u64) {
    counter!(ENVELOPES.name, "outcome" => outcome, "reason" => reason).increment(count);
}

/// A request was answered. The route is its template, never its path; methods that HTTP does not know are
/// one.
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

/// How the pool of connections to the database stands.
pub fn database_pool(idle: u32, used: u32, max: u32) {
    gauge!(POOL.name, "state" => "idle").set(idle);
    gauge!(POOL.name, "state" => "used").set(used);
    gauge!(POOL_MAX.name).set(max);
}

/// Which version runs.
pub fn build(version: &'static str) {
    gauge!(BUILD_INFO.name, "version" => version).set(1);
}

/// Begins to measure a use case, until the value is dropped.
pub fn query(name: &'static str) -> Query {
    Query {
        name,
        devices: None,
        since: Instant::now(),
    }
}

/// A use case that is being measured; one that fails or is given up counts as well.
#[derive(Debug)]
#[must_use = "it is measured until it is dropped"]
pub struct Query {
    name: &'static str,
    devices: Option<&'static str>,
    since: Instant,
}

impl Query {
    /// It was about so many devices: told by order of magnitude.
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
        let took = self.since.elapsed();
        match self.devices {
            None => histogram!(QUERY_DURATION.name, "query" => self.name).record(took),
            Some(devices) => {
                histogram!(QUERY_DURATION.name, "query" => self.name, "devices" => devices)
                    .record(took);
            }
        }
    }
}

/// Counts the open connections of a listener.
#[derive(Clone, Debug)]
pub struct Connections(Gauge);

impl Connections {
    /// Those of clients.
    pub fn counted() -> Self {
        Self(gauge!(OPEN_CONNECTIONS.name))
    }

    /// Those that nobody asks about.
    pub fn uncounted() -> Self {
        Self(Gauge::noop())
    }

    /// One more, until the value is dropped.
    pub fn open(&self) -> OpenConnection {
        self.0.increment(1);
        OpenConnection(self.0.clone())
    }
}

/// An open connection.
#[derive(Debug)]
#[must_use = "it counts as open until it is dropped"]
pub struct OpenConnection(Gauge);

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.decrement(1);
    }
}
