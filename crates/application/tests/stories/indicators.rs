//! Indicators: what each figure counts, case by case.

use application::commands::roll_back;
use application::polling::SlotWatch;
use application::queries::{
    HealthAt, QueryError, WindowIndicators, compute_indicators, evaluate_workspace,
};
use chrono::{DateTime, TimeDelta, Utc};
use domain::fleet::PollOwner;
use domain::indicators::{SlotOutcome, Window};
use domain::polling::ErrorClass;
use testkit::{
    AUTHOR, CORE_OWNED, Fixture, Fleet, a_device, a_report, a_workspace, an_update, hours, minutes,
    seconds, start,
};

async fn indicators(depot: &Fleet) -> Vec<WindowIndicators> {
    compute_indicators(&depot.core, &depot.id, depot.core.clock.now())
        .await
        .expect("the indicators of the workspace")
}

async fn of(depot: &Fleet, window: Window) -> WindowIndicators {
    let all = indicators(depot).await;
    let of_window = all.into_iter().find(|figures| figures.window == window);
    of_window.expect("a window")
}

/// A depot that was registered just now, with devices that were configured just now, and its first slot.
async fn a_new_depot(fixture: &Fixture, devices: &[&str]) -> (Fleet, DateTime<Utc>) {
    let depot = a_workspace("north")
        .registered_for(TimeDelta::zero())
        .with_all(
            devices
                .iter()
                .map(|id| a_device(id).configured(TimeDelta::zero())),
        )
        .create(fixture)
        .await;
    let schedule = depot.record().await.workspace.schedule();
    let slot = schedule.slot_at_or_after(start());
    (depot, slot)
}

fn at(fixture: &Fixture, instant: DateTime<Utc>) {
    fixture.clock.advance(instant - fixture.clock.now());
}

/// Runs the slot's cycle, which starts so long after it was due and takes no time.
async fn run(fixture: &Fixture, depot: &Fleet, slot: DateTime<Utc>, late: TimeDelta) {
    let triggered = depot.trigger(Some(slot)).await;
    at(fixture, triggered.due_at + late);
    let cycle = depot.claim(triggered.cycle_id).await.expect("a claim");
    depot
        .record_reports(&cycle, [a_report("sim-main").naming(3, 4)])
        .await;
    depot.finish(&cycle).await;
}

fn counted(figures: &WindowIndicators) -> Vec<(SlotOutcome, u32)> {
    SlotOutcome::ALL
        .iter()
        .map(|outcome| (*outcome, figures.slots.count_of(*outcome)))
        .filter(|(_, slots)| *slots > 0)
        .collect()
}

#[tokio::test]
async fn a_workspace_without_a_past_has_no_figures() {
    let fixture = Fixture::create().await;
    let (depot, _) = a_new_depot(&fixture, &["bus-1"]).await;
    for figures in indicators(&depot).await {
        assert_eq!(figures.slots.scheduled(), 0);
        assert_eq!(figures.slots.success_percent(), None);
        assert_eq!((figures.age, figures.lag), (None, None));
        assert_eq!(figures.start_deviation, None);
        assert_eq!(figures.coverage_percent, None);
        assert_eq!(figures.within_5_minutes_percent, None);
    }
    let nobody = domain::ids::WorkspaceId::try_new("nobody").expect("an id");
    let none = compute_indicators(&depot.core, &nobody, start()).await;
    assert!(matches!(none, Err(QueryError::NotFound("workspace"))));
}

#[tokio::test]
async fn a_recovered_slot_is_missed_and_nothing_else_and_its_late_trigger_adds_nothing() {
    let fixture = Fixture::create().await;
    let (depot, slot) = a_new_depot(&fixture, &[]).await;
    run(&fixture, &depot, slot, seconds(2)).await;
    let missed = slot + minutes(5);
    at(&fixture, missed + minutes(3));
    let mut watch = SlotWatch::default();
    watch.look(&depot.core).await.expect("the store");
    let recovery = depot.claimable().await;
    let cycle = depot.claim(recovery[0]).await.expect("a claim");
    depot.finish(&cycle).await;
    depot.trigger(Some(missed)).await;
    let figures = of(&depot, Window::Hour).await;
    assert_eq!(
        counted(&figures),
        [(SlotOutcome::Completed, 1), (SlotOutcome::Missed, 1)]
    );
    assert_eq!(figures.slots.success_percent(), Some(50.0));
    let deviation = figures.start_deviation.expect("a cycle that started");
    assert_eq!(
        (deviation.p50, deviation.max),
        (seconds(2), seconds(2)),
        "the recovery's start is not late, its slot is missed"
    );
    assert_eq!(figures.coverage_percent, Some(75.0));
}

#[tokio::test]
async fn what_was_not_cores_to_poll_is_skipped_and_not_held_against_it() {
    let fixture = Fixture::create().await;
    let (depot, slot) = a_new_depot(&fixture, &[]).await;
    run(&fixture, &depot, slot, TimeDelta::zero()).await;
    roll_back(&depot.core, AUTHOR, &depot.id, None)
        .await
        .expect("a rollback");
    at(&fixture, slot + minutes(5));
    depot.trigger(Some(slot + minutes(5))).await;
    let figures = of(&depot, Window::Hour).await;
    assert_eq!(
        counted(&figures),
        [(SlotOutcome::Completed, 1), (SlotOutcome::Skipped, 1)]
    );
    assert_eq!(figures.slots.success_percent(), Some(100.0));
}

#[tokio::test]
async fn a_cycle_asked_for_by_hand_is_no_slot_and_measures_as_any_other() {
    let fixture = Fixture::create().await;
    let (depot, _) = a_new_depot(&fixture, &["bus-1"]).await;
    depot.push([an_update("bus-1").with("speed_kmh", 1)]).await;
    fixture.clock.advance(minutes(10));
    depot.polled([a_report("sim-main").naming(1, 2)]).await;
    let figures = of(&depot, Window::Hour).await;
    assert_eq!((counted(&figures), figures.slots.open), (vec![], 0));
    assert_eq!(figures.coverage_percent, Some(50.0));
    assert_eq!(figures.within_5_minutes_percent, Some(50.0));
}

#[tokio::test]
async fn windows_begin_after_their_first_instant() {
    let fixture = Fixture::create().await;
    let (depot, slot) = a_new_depot(&fixture, &[]).await;
    run(&fixture, &depot, slot, TimeDelta::zero()).await;
    for (window, length) in [
        (Window::Hour, hours(1)),
        (Window::Day, hours(24)),
        (Window::Week, hours(7 * 24)),
    ] {
        let at_the_end = slot + length;
        for (now, slots) in [
            (at_the_end - TimeDelta::microseconds(1), 1),
            (at_the_end, 0),
        ] {
            let all = compute_indicators(&depot.core, &depot.id, now).await;
            let all = all.expect("the indicators of the workspace");
            let of_window = all.iter().find(|figures| figures.window == window);
            let figures = of_window.expect("a window");
            assert_eq!(figures.slots.scheduled(), slots, "{window} at {now}");
        }
    }
}

#[tokio::test]
async fn a_device_counts_from_its_first_update_or_the_end_of_its_grace() {
    let fixture = Fixture::create().await;
    let (depot, _) = a_new_depot(&fixture, &["bus-1", "never"]).await;
    fixture.clock.advance(minutes(20));
    depot.push([an_update("bus-1").with("speed_kmh", 1)]).await;
    let percent = async || of(&depot, Window::Day).await.within_5_minutes_percent;
    assert_eq!(percent().await, None, "both await their first data");
    fixture.clock.advance(minutes(10));
    assert_eq!(percent().await, Some(50.0), "five minutes of ten");
    depot.polled([a_report("sim-main")]).await;
    assert_eq!(percent().await, Some(50.0), "as the cycle has kept it");
    fixture.clock.advance(minutes(40));
    // Fifty minutes of bus-1, of which five; ten of the one that never reported.
    assert_eq!(percent().await, Some(8.33));
    depot.deactivate("never").await;
    assert_eq!(percent().await, Some(10.0), "of what is active");
}

#[tokio::test]
async fn a_new_activation_begins_anew() {
    let fixture = Fixture::create().await;
    let (depot, _) = a_new_depot(&fixture, &["bus-1"]).await;
    depot.push([an_update("bus-1").with("speed_kmh", 1)]).await;
    fixture.clock.advance(minutes(2));
    let moved = a_device("bus-1").fitted_to("another-vehicle");
    depot.configure(moved).await;
    fixture.clock.advance(minutes(2));
    let percent = async || of(&depot, Window::Hour).await.within_5_minutes_percent;
    assert_eq!(
        percent().await,
        None,
        "the former activation's update is not its"
    );
    depot.push([an_update("bus-1").with("speed_kmh", 1)]).await;
    fixture.clock.advance(minutes(6));
    assert_eq!(percent().await, Some(83.33), "five minutes of six");
}

/// The classes that are left out are those that a silent device is told of as its provider's outage.
#[tokio::test]
async fn a_providers_outage_is_left_out_by_the_same_classes_as_in_health() {
    let fixture = Fixture::create().await;
    for class in ErrorClass::ALL {
        let depot = a_workspace(&format!("depot-{}", class.as_str().replace('_', "-")))
            .with(a_device("bus-1").silent_for(minutes(20)))
            .create(&fixture)
            .await;
        depot.polled([a_report("sim-main").failed(*class)]).await;
        let now = fixture.clock.now();
        let health = evaluate_workspace(&depot.core, &depot.id, HealthAt::Present(now)).await;
        let health = health.expect("the health of the workspace").summary;
        // Left alone for what it failed at before: health goes by that failure, and there is none here.
        let in_outage = health.freshness.eligible_devices == 0 || *class == ErrorClass::CircuitOpen;
        assert_eq!(class.is_provider_outage(), in_outage, "{class}");
        let measured = of(&depot, Window::Day).await.within_5_minutes_percent;
        assert_eq!(measured.is_none(), in_outage, "{class}");
    }
}

#[tokio::test]
async fn time_in_which_core_does_not_poll_is_not_measured() {
    let fixture = Fixture::create().await;
    let (depot, slot) = a_new_depot(&fixture, &["bus-1"]).await;
    depot.push([an_update("bus-1").with("speed_kmh", 1)]).await;
    run(&fixture, &depot, slot, TimeDelta::zero()).await;
    let percent = async || of(&depot, Window::Week).await.within_5_minutes_percent;
    let before = percent().await;
    assert!(before.is_some_and(|percent| percent > 90.0), "{before:?}");
    roll_back(&depot.core, AUTHOR, &depot.id, None)
        .await
        .expect("a rollback");
    fixture.clock.advance(hours(30));
    assert_eq!(percent().await, before);
    let flags = domain::fleet::Cutover {
        poll_owner: PollOwner::Core,
        ..CORE_OWNED
    };
    let command = application::commands::CutoverCommand::Replace(flags);
    depot.change_flags(command).await;
    assert_eq!(percent().await, before);
    fixture.clock.advance(minutes(5));
    assert!(percent().await < before);
}
