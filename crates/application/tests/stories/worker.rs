//! An instance's worker: from the trigger to the snapshot.

use bf_depot_sim::{Account, Fault};
use domain::ids::DeviceId;
use domain::polling::{ConnectionOutcome, ErrorClass};
use testkit::{Fixture, a_device, a_workspace, eventually, seconds, start};

use crate::instance::{Instance, end_of};
use crate::provider::Provider;

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
    let instance = Instance::start(&depot.core, provider.clients());
    let cycle_id = instance.poll(&depot).await;
    assert_eq!(end_of(&depot, cycle_id).await, "partial");

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
    assert_eq!(end_of(&depot, again).await, "completed");
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
    let instance = Instance::start(&depot.core, provider.clients());
    let schedule = depot.record().await.workspace.schedule();
    let slot = schedule.slot_at_or_after(start());
    let answer = depot.trigger(Some(slot)).await;
    fixture.clock.advance(answer.due_at - start() - seconds(1));
    // A manual cycle that was triggered later has gone through the same worker by the time it ends.
    let manual = instance.poll(&depot).await;
    assert_eq!(end_of(&depot, manual).await, "completed");
    assert_eq!(depot.cycle(answer.cycle_id).await.status, "queued");

    fixture.clock.advance(seconds(1));
    // It may have looked just before, and would sleep until the clock moves again.
    instance.worker.wake();
    assert_eq!(end_of(&depot, answer.cycle_id).await, "completed");
    assert_eq!(
        depot.cycle(answer.cycle_id).await.started_at,
        Some(answer.due_at)
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
    let instance = Instance::start(&fixture.another_instance(), provider.clients());
    assert_eq!(end_of(&depot, cycle_id).await, "completed");
    assert!(depot.snapshot("bus-1").await.held.version > 0);
    instance.stop().await;
}
