//! The lease of a cycle that a worker runs.

use std::time::Duration;

use application::commands::roll_back;
use application::polling::WorkerSettings;
use chrono::{DateTime, TimeDelta, Utc};
use domain::ids::CycleId;
use testkit::{AUTHOR, eventually};

use crate::instance::{HangingDepot, Instance};

/// Returns when the lease of a running cycle ends, by the database's clock, and how often one was lost.
async fn lease(depot: &HangingDepot, cycle_id: CycleId) -> (Option<DateTime<Utc>>, i32) {
    sqlx::query_as("SELECT lease_expires_at, leases_lost FROM poll_cycles WHERE cycle_id = $1")
        .bind(cycle_id.0)
        .fetch_one(depot.fixture.store().pool())
        .await
        .expect("the cycle")
}

#[tokio::test]
async fn a_lease_is_kept_alive_while_its_cycle_runs() {
    let depot = HangingDepot::create().await;
    let short = WorkerSettings {
        lease: Duration::from_millis(1_500),
        drain: Duration::ZERO,
        ..WorkerSettings::default()
    };
    let instance = Instance::start_with(&depot.fleet.core, depot.provider.clients(), short);
    let cycle_id = depot.poll(&instance).await;
    let first = lease(&depot, cycle_id).await.0.expect("a lease");
    let renewed = first + TimeDelta::milliseconds(1_500);
    eventually("the lease outlives its length", async || {
        lease(&depot, cycle_id).await.0 > Some(renewed)
    })
    .await;
    assert_eq!(lease(&depot, cycle_id).await.1, 0, "nobody took it over");
    instance.stop().await;
}

#[tokio::test]
async fn a_rollback_ends_what_a_worker_has_running() {
    let depot = HangingDepot::create().await;
    let attentive = WorkerSettings {
        lease: Duration::from_millis(600),
        ..WorkerSettings::default()
    };
    let instance = Instance::start_with(&depot.fleet.core, depot.provider.clients(), attentive);
    let cycle_id = depot.poll(&instance).await;
    let fleet = &depot.fleet;
    roll_back(&fleet.core, AUTHOR, &fleet.id, None)
        .await
        .expect("a rollback");
    assert_eq!(fleet.cycle(cycle_id).await.status, "skipped");
    eventually("the worker lets go of it", async || {
        depot.provider.in_flight("slow") == 0
    })
    .await;
    assert_eq!(fleet.cycle(cycle_id).await.status, "skipped");
    assert_eq!(fleet.snapshot("bus-1").await.held.version, 0);
    instance.stop().await;
}
