//! An instance's worker: from the trigger to the snapshot.

use std::time::Duration;

use application::Core;
use application::commands::roll_back;
use application::polling::{Worker, WorkerSettings};
use bf_depot_sim::{Account, Fault};
use domain::ids::{CycleId, DeviceId};
use domain::polling::{ConnectionOutcome, ErrorClass};
use providers::Providers;
use testkit::{
    AUTHOR, Fixture, Fleet, a_device, a_report, a_workspace, eventually, seconds, start,
};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::provider::Provider;

/// A worker at work.
struct Instance {
    worker: Worker,
    shutdown: CancellationToken,
    running: JoinHandle<()>,
}

impl Instance {
    fn start(core: &Core, clients: Providers, settings: WorkerSettings) -> Self {
        let worker = Worker::new(core.clone(), clients, settings);
        let shutdown = CancellationToken::new();
        let running = tokio::spawn(worker.clone().run(shutdown.clone()));
        Self {
            worker,
            shutdown,
            running,
        }
    }

    /// Triggers a cycle, and hints that there is one.
    async fn poll(&self, depot: &Fleet) -> CycleId {
        let cycle_id = depot.trigger(None).await.cycle_id;
        self.worker.wake();
        cycle_id
    }

    async fn stop(self) {
        self.shutdown.cancel();
        self.running.await.expect("the worker ends");
    }
}

async fn ends(depot: &Fleet, cycle_id: CycleId) -> String {
    eventually("the cycle ends", async || {
        let cycle = depot.cycle(cycle_id).await;
        cycle.ended_at.map(|_| cycle.status)
    })
    .await
}

#[tokio::test]
async fn a_poll_fills_snapshots_and_one_failing_connection_costs_the_others_nothing() {
    let fixture = Fixture::create().await;
    let provider = Provider::serve(
        &fixture.clock,
        [
            Account::fleet("well", 3),
            Account::fleet("down", 1).with_fault(Fault::Unavailable),
        ],
    )
    .await;
    let depot = a_workspace("north")
        .through(provider.connection("sim-well", "well"))
        .through(provider.connection("sim-down", "down"))
        .with_all([
            a_device("bus-1").through("sim-well").called("vehicle-001"),
            a_device("bus-2").through("sim-well").called("vehicle-002"),
            a_device("lost").through("sim-well").called("vehicle-009"),
            a_device("far").through("sim-down").called("vehicle-001"),
        ])
        .create(&fixture)
        .await;
    let instance = Instance::start(&depot.core, provider.clients(), WorkerSettings::default());
    let cycle_id = instance.poll(&depot).await;
    assert_eq!(ends(&depot, cycle_id).await, "partial");

    for (device, reported) in [
        ("bus-1", true),
        ("bus-2", true),
        ("lost", false),
        ("far", false),
    ] {
        let snapshot = depot.snapshot(device).await;
        assert_eq!(snapshot.held.version > 0, reported, "{device}");
        assert_eq!(
            depot.fold_of_events(device).await,
            snapshot.held.readings,
            "{device}"
        );
        assert!(
            depot
                .accepted_events(device)
                .await
                .iter()
                .all(|event| event.cycle_id == Some(cycle_id.0))
        );
    }
    let cycle = depot.cycle(cycle_id).await;
    let [down, well] = &cycle.polls[..] else {
        panic!("two connections")
    };
    let (down, well) = (&down.report, &well.report);
    assert_eq!(
        (down.outcome, down.error.as_ref().map(|error| error.class)),
        (ConnectionOutcome::Failed, Some(ErrorClass::Unavailable))
    );
    assert_eq!(
        (down.attempts, provider.requests("down")),
        (3, 3),
        "a failure that may pass is tried again"
    );
    assert_eq!(
        (well.outcome, well.devices_expected, well.returned),
        (ConnectionOutcome::Ok, 3, 2)
    );
    assert_eq!(
        well.missing
            .iter()
            .map(DeviceId::as_str)
            .collect::<Vec<_>>(),
        ["lost"]
    );
    assert!(
        well.accepted >= 2 && well.rejected.contains_key("unknown_device"),
        "{well:?}"
    );
    let ended = depot.events("WorkspacePollIngestCompleted").await;
    assert_eq!(
        (ended.len(), &ended[0].1["result_summary"]["status"]),
        (1, &"partial".into())
    );

    provider.clear_fault("down");
    let again = instance.poll(&depot).await;
    assert_eq!(ends(&depot, again).await, "completed");
    let well = &depot.cycle(again).await.polls[1].report;
    assert_eq!(
        (well.accepted, well.unchanged),
        (0, 2),
        "the clock stands still: nothing is new"
    );
    assert!(depot.snapshot("far").await.held.version > 0);
    instance.stop().await;
}

#[tokio::test]
async fn a_slots_cycle_runs_when_it_is_due_and_not_before() {
    let fixture = Fixture::create().await;
    let provider = Provider::serve(&fixture.clock, [Account::fleet("well", 1)]).await;
    let depot = a_workspace("north")
        .through(provider.connection("sim-main", "well"))
        .create(&fixture)
        .await;
    let instance = Instance::start(&depot.core, provider.clients(), WorkerSettings::default());
    let slot = depot
        .record()
        .await
        .workspace
        .schedule()
        .slot_at_or_after(start());
    let answer = depot.trigger(Some(slot)).await;
    fixture.clock.advance(answer.due_at - start() - seconds(1));
    // A manual cycle that was triggered later has gone through the same worker by the time it ends.
    let manual = instance.poll(&depot).await;
    assert_eq!(ends(&depot, manual).await, "completed");
    assert_eq!(depot.cycle(answer.cycle_id).await.status, "queued");

    fixture.clock.advance(seconds(1));
    // It may have looked just before, and would sleep until the clock moves again.
    instance.worker.wake();
    assert_eq!(ends(&depot, answer.cycle_id).await, "completed");
    assert_eq!(
        depot.cycle(answer.cycle_id).await.started_at,
        Some(answer.due_at)
    );
    instance.stop().await;
}

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
    let instance = Instance::start(
        &north.core,
        provider.clients_with_deadline(Duration::from_secs(2)),
        WorkerSettings::default(),
    );
    let hanging = instance.poll(&north).await;
    eventually("the other connection's results land", async || {
        north.snapshot("bus-1").await.held.version > 0
    })
    .await;
    let elsewhere = instance.poll(&south).await;
    assert_eq!(ends(&south, elsewhere).await, "completed");
    assert_eq!(ends(&north, hanging).await, "partial");
    let report = &north.cycle(hanging).await.polls[0].report;
    assert_eq!(
        report.error.as_ref().map(|error| error.class),
        Some(ErrorClass::Timeout)
    );
    instance.stop().await;
}

#[tokio::test]
async fn a_killed_instances_cycle_is_finished_by_another() {
    let fixture = Fixture::create().await;
    let provider = Provider::serve(&fixture.clock, [Account::fleet("well", 1)]).await;
    let depot = a_workspace("north")
        .through(provider.connection("sim-main", "well"))
        .with(a_device("bus-1").called("vehicle-001"))
        .create(&fixture)
        .await;
    let cycle_id = depot.trigger(None).await.cycle_id;
    depot.claim_and_die(cycle_id).await.expect("a claim");
    eventually("its lease is over", async || {
        depot.claimable().await == [cycle_id]
    })
    .await;
    let instance = Instance::start(
        &fixture.another_instance(),
        provider.clients(),
        WorkerSettings::default(),
    );
    assert_eq!(ends(&depot, cycle_id).await, "completed");
    assert!(depot.snapshot("bus-1").await.held.version > 0);
    instance.stop().await;
}

#[tokio::test]
async fn a_shutdown_lets_a_running_cycle_finish() {
    let fixture = Fixture::create().await;
    let provider = Provider::serve(
        &fixture.clock,
        [Account::fleet("slow", 1).with_fault(Fault::Hang)],
    )
    .await;
    let depot = a_workspace("north")
        .through(provider.connection("sim-main", "slow"))
        .create(&fixture)
        .await;
    let instance = Instance::start(
        &depot.core,
        provider.clients_with_deadline(Duration::from_millis(700)),
        WorkerSettings::default(),
    );
    let cycle_id = instance.poll(&depot).await;
    eventually("the provider is asked", async || {
        provider.in_flight("slow") == 1
    })
    .await;
    instance.stop().await;
    assert_eq!(
        depot.cycle(cycle_id).await.status,
        "failed",
        "it came to its own end"
    );
}

#[tokio::test]
async fn a_shutdown_that_cannot_wait_gives_the_cycle_back() {
    let fixture = Fixture::create().await;
    let provider = Provider::serve(
        &fixture.clock,
        [Account::fleet("slow", 1).with_fault(Fault::Hang)],
    )
    .await;
    let depot = a_workspace("north")
        .through(provider.connection("sim-main", "slow"))
        .create(&fixture)
        .await;
    let impatient = WorkerSettings {
        drain: Duration::ZERO,
        ..WorkerSettings::default()
    };
    let instance = Instance::start(&depot.core, provider.clients(), impatient);
    let cycle_id = instance.poll(&depot).await;
    eventually("the provider is asked", async || {
        provider.in_flight("slow") == 1
    })
    .await;
    instance.stop().await;
    assert_eq!(depot.claimable().await, [cycle_id]);
    assert_eq!(depot.cycle(cycle_id).await.status, "queued");

    provider.clear_fault("slow");
    let next = Instance::start(
        &fixture.another_instance(),
        provider.clients(),
        WorkerSettings::default(),
    );
    assert_eq!(ends(&depot, cycle_id).await, "completed");
    next.stop().await;
}

#[tokio::test]
async fn a_lease_is_kept_alive_while_its_cycle_runs() {
    let fixture = Fixture::create().await;
    let provider = Provider::serve(
        &fixture.clock,
        [Account::fleet("slow", 1).with_fault(Fault::Hang)],
    )
    .await;
    let depot = a_workspace("north")
        .through(provider.connection("sim-main", "slow"))
        .create(&fixture)
        .await;
    let short = WorkerSettings {
        lease: Duration::from_millis(1_500),
        drain: Duration::ZERO,
        ..WorkerSettings::default()
    };
    let instance = Instance::start(&depot.core, provider.clients(), short);
    let cycle_id = instance.poll(&depot).await;
    let lease = async || -> (Option<chrono::DateTime<chrono::Utc>>, i32) {
        sqlx::query_as("SELECT lease_expires_at, leases_lost FROM poll_cycles WHERE cycle_id = $1")
            .bind(cycle_id.0)
            .fetch_one(fixture.store().pool())
            .await
            .expect("the cycle")
    };
    let (first, _) = eventually("a lease", async || {
        Some(lease().await).filter(|(expires_at, _)| expires_at.is_some())
    })
    .await;
    let renewed = first.map(|first| first + chrono::TimeDelta::milliseconds(1_500));
    eventually("the lease outlives its length", async || {
        lease().await.0 > renewed
    })
    .await;
    assert_eq!(lease().await.1, 0, "nobody took it over");
    instance.stop().await;
}

#[tokio::test]
async fn a_rollback_ends_what_a_worker_has_running() {
    let fixture = Fixture::create().await;
    let provider = Provider::serve(
        &fixture.clock,
        [Account::fleet("slow", 1).with_fault(Fault::Hang)],
    )
    .await;
    let depot = a_workspace("north")
        .through(provider.connection("sim-main", "slow"))
        .with(a_device("bus-1").called("vehicle-001"))
        .create(&fixture)
        .await;
    let attentive = WorkerSettings {
        lease: Duration::from_millis(600),
        ..WorkerSettings::default()
    };
    let instance = Instance::start(&depot.core, provider.clients(), attentive);
    let cycle_id = instance.poll(&depot).await;
    eventually("the provider is asked", async || {
        provider.in_flight("slow") == 1
    })
    .await;
    roll_back(&depot.core, AUTHOR, &depot.id, None)
        .await
        .expect("a rollback");
    assert_eq!(depot.cycle(cycle_id).await.status, "skipped");
    eventually("the worker lets go of it", async || {
        provider.in_flight("slow") == 0
    })
    .await;
    assert_eq!(depot.cycle(cycle_id).await.status, "skipped");
    assert_eq!(depot.snapshot("bus-1").await.held.version, 0);
    instance.stop().await;
}

#[tokio::test]
async fn one_instance_runs_no_more_cycles_than_it_has_permits() {
    let fixture = Fixture::create().await;
    let provider = Provider::serve(
        &fixture.clock,
        [
            Account::fleet("slow", 1).with_fault(Fault::Hang),
            Account::fleet("well", 1),
        ],
    )
    .await;
    let north = a_workspace("north")
        .through(provider.connection("sim-main", "slow"))
        .create(&fixture)
        .await;
    let south = a_workspace("south")
        .through(provider.connection("sim-main", "well"))
        .create(&fixture)
        .await;
    let single = WorkerSettings {
        concurrency: 1,
        ..WorkerSettings::default()
    };
    let instance = Instance::start(
        &north.core,
        provider.clients_with_deadline(Duration::from_secs(1)),
        single,
    );
    let first = instance.poll(&north).await;
    eventually("the provider is asked", async || {
        provider.in_flight("slow") == 1
    })
    .await;
    let second = instance.poll(&south).await;
    assert_eq!(ends(&south, second).await, "completed");
    let (first, second) = (north.cycle(first).await, south.cycle(second).await);
    assert_eq!(
        first.status, "failed",
        "the permit came free when the first cycle had ended"
    );
    assert!(provider.requests("well") == 1 && second.started_at.is_some());
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
    let instance = Instance::start(&well.core, provider.clients(), few);
    eventually("the hanging ones take all they may", async || {
        provider.in_flight("hanging") == 3
    })
    .await;
    for _ in 0..3 {
        let cycle_id = instance.poll(&well).await;
        assert_eq!(ends(&well, cycle_id).await, "completed");
    }
    assert_eq!(provider.in_flight("hanging"), 3, "all the while");
    instance.stop().await;
}
