//! A shutdown in the middle of a cycle.

use std::time::Duration;

use application::polling::WorkerSettings;

use crate::instance::{HangingDepot, Instance, end_of};

#[tokio::test]
async fn a_shutdown_lets_a_running_cycle_finish() {
    let depot = HangingDepot::create().await;
    let clients = depot.clients_that_wait_for(Duration::from_millis(700));
    let instance = Instance::start(&depot.fleet.core, clients);
    let cycle_id = depot.poll(&instance).await;
    instance.stop().await;
    assert_eq!(
        depot.fleet.cycle(cycle_id).await.status,
        "failed",
        "it came to its own end"
    );
}

#[tokio::test]
async fn a_shutdown_that_cannot_wait_gives_the_cycle_back() {
    let depot = HangingDepot::create().await;
    let impatient = WorkerSettings {
        drain: Duration::ZERO,
        ..WorkerSettings::default()
    };
    let instance = Instance::start_with(&depot.fleet.core, depot.provider.clients(), impatient);
    let cycle_id = depot.poll(&instance).await;
    instance.stop().await;
    assert_eq!(depot.fleet.claimable().await, [cycle_id]);
    assert_eq!(depot.fleet.cycle(cycle_id).await.status, "queued");

    depot.provider.clear_fault("slow");
    let another = depot.fixture.another_instance();
    let next = Instance::start(&another, depot.provider.clients());
    assert_eq!(end_of(&depot.fleet, cycle_id).await, "completed");
    next.stop().await;
}
