//! A provider that hangs: what it holds up, and what it does not.

use std::time::Duration;

use application::polling::WorkerSettings;
use bf_depot_sim::{Account, Fault};
use domain::polling::ErrorClass;
use testkit::{Fixture, a_device, a_report, a_workspace, eventually};

use crate::instance::{HangingDepot, Instance, end_of};
use crate::provider::Provider;

#[tokio::test]
async fn a_provider_that_hangs_delays_neither_other_connections_nor_other_workspaces() {
    let fixture = Fixture::create().await;
    let provider = Provider::serve(
        &fixture.clock,
        [
            Account::fleet("well", 1),
            Account::fleet("hanging", 1).with_fault(Fault::Hang),
        ],
    )
    .await;
    let north = a_workspace("north")
        .through(provider.connection("sim-well", "well"))
        .through(provider.connection("sim-hanging", "hanging"))
        .with(a_device("bus-1").through("sim-well").called("vehicle-001"))
        .create(&fixture)
        .await;
    let south = a_workspace("south")
        .through(provider.connection("sim-main", "well"))
        .create(&fixture)
        .await;
    let clients = provider.clients_with_deadline(Duration::from_secs(2));
    let instance = Instance::start(&north.core, clients);
    let hanging = instance.poll(&north).await;
    eventually("the other connection's results land", async || {
        north.snapshot("bus-1").await.held.version > 0
    })
    .await;
    let elsewhere = instance.poll(&south).await;
    assert_eq!(end_of(&south, elsewhere).await, "completed");
    assert_eq!(end_of(&north, hanging).await, "partial");
    let report = &north.cycle(hanging).await.polls[0].report;
    assert_eq!(
        report.error.as_ref().map(|error| error.class),
        Some(ErrorClass::Timeout)
    );
    instance.stop().await;
}

#[tokio::test]
async fn one_instance_runs_no_more_cycles_than_it_has_permits() {
    let north = HangingDepot::create().await;
    let south = a_workspace("south")
        .through(north.provider.connection("sim-main", "well"))
        .create(&north.fixture)
        .await;
    let single = WorkerSettings {
        concurrency: 1,
        ..WorkerSettings::default()
    };
    let clients = north.clients_that_wait_for(Duration::from_secs(1));
    let instance = Instance::start_with(&north.fleet.core, clients, single);
    let first = north.poll(&instance).await;
    let second = instance.poll(&south).await;
    assert_eq!(end_of(&south, second).await, "completed");
    assert_eq!(
        north.fleet.cycle(first).await.status,
        "failed",
        "the permit came free when the first cycle had ended"
    );
    assert_eq!(north.provider.requests("well"), 1);
    assert!(south.cycle(second).await.started_at.is_some());
    instance.stop().await;
}

/// Workspaces that have hung before hold what is theirs of the permits, and a quarter is left.
#[tokio::test]
async fn more_hanging_workspaces_than_permits_delay_no_workspace_that_is_well() {
    let fixture = Fixture::create().await;
    let accounts = [Account::fleet("well", 1), Account::fleet("hanging", 1)];
    let provider = Provider::serve(&fixture.clock, accounts).await;
    let mut hanging = Vec::new();
    for n in 0..6 {
        let depot = a_workspace(&format!("hanging-{n}"))
            .through(provider.connection("sim-main", "hanging"))
            .create(&fixture)
            .await;
        depot
            .polled([a_report("sim-main").failed(ErrorClass::Timeout)])
            .await;
        depot.trigger(None).await;
        hanging.push(depot);
    }
    provider.set_fault("hanging", Fault::Hang);
    let well = a_workspace("well")
        .through(provider.connection("sim-main", "well"))
        .create(&fixture)
        .await;
    let few = WorkerSettings {
        concurrency: 4,
        drain: Duration::ZERO,
        ..WorkerSettings::default()
    };
    let instance = Instance::start_with(&well.core, provider.clients(), few);
    eventually("the hanging ones take all they may", async || {
        provider.in_flight("hanging") == 3
    })
    .await;
    for _ in 0..3 {
        let cycle_id = instance.poll(&well).await;
        assert_eq!(end_of(&well, cycle_id).await, "completed");
    }
    assert_eq!(provider.in_flight("hanging"), 3, "all the while");
    instance.stop().await;
}
