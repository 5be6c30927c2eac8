//! Health with its reason, from what cycles and batches have left in the records.

use application::commands::{
    ConnectionSpec, CutoverCommand, Precondition, change_cutover, change_policy, put_connection,
};
use application::queries::{
    DeviceHealth, HealthAt, HealthFilter, HealthReport, PageRequest, evaluate_workspace,
    list_vehicle_health,
};
use domain::fleet::{CutoverPatch, Policy, PollOwner};
use domain::health::HealthState::{AwaitingFirstData, ConfiguredNoData, Delayed, Healthy, Stale};
use domain::health::{HealthState, Reason};
use domain::polling::ErrorClass;
use testkit::{
    AUTHOR, DeviceBuilder, Fixture, Fleet, ReportBuilder, a_connection, a_device, a_report,
    a_workspace, an_update, minutes, seconds, start,
};

async fn health(depot: &Fleet) -> HealthReport {
    let at = HealthAt::Present(depot.core.clock.now());
    let report = evaluate_workspace(&depot.core, &depot.id, at).await;
    report.expect("the health of the workspace")
}

async fn of_device(depot: &Fleet, device: &str) -> DeviceHealth {
    let report = health(depot).await;
    report
        .devices
        .into_iter()
        .find(|health| health.row.device_id.as_str() == device)
        .expect("an active device")
}

async fn reason(depot: &Fleet) -> Option<Reason> {
    let device = of_device(depot, "bus-1").await;
    device.cause.map(|cause| cause.reason)
}

/// A depot whose last cycle was two minutes ago.
async fn polled(
    fixture: &Fixture,
    id: &str,
    device: DeviceBuilder,
    report: ReportBuilder,
) -> Fleet {
    let depot = a_workspace(id).with(device).create(fixture).await;
    depot
        .seen_by(fixture.core_at(start() - minutes(2)))
        .polled([report])
        .await;
    depot
}

#[tokio::test]
async fn a_silent_device_is_told_apart_by_what_the_last_poll_recorded() {
    let fixture = Fixture::create().await;
    let silent = || a_device("bus-1").silent_for(minutes(20));
    let never = || a_device("bus-1");
    let answer = || a_report("sim-main");
    for (name, device, report, state, reason) in [
        (
            "returned-unchanged",
            silent(),
            answer(),
            Stale,
            Reason::NoNewReading,
        ),
        (
            "missing",
            silent(),
            answer().missing(["bus-1"]),
            Stale,
            Reason::NotReturnedByProvider,
        ),
        (
            "never-returned",
            never(),
            answer().missing(["bus-1"]),
            ConfiguredNoData,
            Reason::NotReturnedByProvider,
        ),
        (
            "another-missing",
            silent(),
            answer().missing(["bus-2"]),
            Stale,
            Reason::NoNewReading,
        ),
        (
            "down",
            silent(),
            answer().failed(ErrorClass::Unavailable),
            Stale,
            Reason::ProviderUnavailable,
        ),
        (
            "hanging",
            never(),
            answer().failed(ErrorClass::Timeout),
            ConfiguredNoData,
            Reason::ProviderUnavailable,
        ),
        (
            "key-refused",
            silent(),
            answer().failed(ErrorClass::CredentialsRejected),
            Stale,
            Reason::ProviderCredentialsRejected,
        ),
        (
            "limited",
            silent(),
            answer().failed(ErrorClass::RateLimited),
            Stale,
            Reason::ProviderRateLimited,
        ),
        (
            "new",
            never().configured(minutes(1)),
            answer(),
            AwaitingFirstData,
            Reason::AwaitingFirstPoll,
        ),
        (
            "late",
            a_device("bus-1").silent_for(minutes(7)),
            answer().missing(["bus-1"]),
            Delayed,
            Reason::NotReturnedByProvider,
        ),
    ] {
        let depot = polled(&fixture, name, device, report).await;
        let device = of_device(&depot, "bus-1").await;
        assert_eq!(
            (device.health.state, device.cause.map(|cause| cause.reason)),
            (state, Some(reason)),
            "{name}"
        );
    }
}

#[tokio::test]
async fn a_device_that_reports_is_healthy_and_needs_no_reason() {
    let fixture = Fixture::create().await;
    let depot = polled(
        &fixture,
        "north",
        a_device("bus-1").silent_for(minutes(4)),
        a_report("sim-main"),
    )
    .await;
    let device = of_device(&depot, "bus-1").await;
    assert_eq!(
        (device.health.state, device.cause, device.health.since),
        (Healthy, None, None)
    );
    assert_eq!(device.health.age, Some(minutes(4)));
    assert_eq!(device.last_returned_at, Some(start() - minutes(2)));
}

#[tokio::test]
async fn cycles_that_stopped_are_ours() {
    let fixture = Fixture::create().await;
    let depot = a_workspace("north")
        .with(a_device("bus-1").silent_for(minutes(20)))
        .create(&fixture)
        .await;
    assert_eq!(
        reason(&depot).await,
        Some(Reason::CyclesNotRunning),
        "none has ever run"
    );
    depot
        .seen_by(fixture.core_at(start() - minutes(11)))
        .polled([a_report("sim-main")])
        .await;
    assert_eq!(
        reason(&depot).await,
        Some(Reason::NoNewReading),
        "two intervals and a minute are borne"
    );
    fixture.clock.advance(seconds(1));
    assert_eq!(reason(&depot).await, Some(Reason::CyclesNotRunning));
}

#[tokio::test]
async fn polling_that_is_switched_off_is_the_reason_before_all_others() {
    let fixture = Fixture::create().await;
    let silent = || a_device("bus-1").silent_for(minutes(20));
    let by_connection = polled(
        &fixture,
        "by-connection",
        silent(),
        a_report("sim-main").failed(ErrorClass::Unavailable),
    )
    .await;
    let (id, spec) = a_connection("sim-main").build();
    let spec = ConnectionSpec {
        enabled: false,
        ..spec
    };
    put_connection(
        &by_connection.core,
        AUTHOR,
        &by_connection.id,
        &id,
        spec,
        &Precondition::None,
    )
    .await
    .expect("a change");

    let by_flags = polled(
        &fixture,
        "by-flags",
        silent(),
        a_report("sim-main").failed(ErrorClass::Unavailable),
    )
    .await;
    let patch = CutoverPatch {
        poll_owner: Some(PollOwner::Legacy),
        ..CutoverPatch::default()
    };
    change_cutover(
        &by_flags.core,
        AUTHOR,
        &by_flags.id,
        CutoverCommand::Patch(patch),
        None,
        &Precondition::None,
    )
    .await
    .expect("a change");
    for depot in [by_connection, by_flags] {
        assert_eq!(
            reason(&depot).await,
            Some(Reason::PollingDisabled),
            "{}",
            depot.id
        );
    }
}

#[tokio::test]
async fn readings_that_come_late_are_the_providers() {
    let fixture = Fixture::create().await;
    let depot = a_workspace("north")
        .with(a_device("bus-1"))
        .create(&fixture)
        .await;
    let earlier = depot.seen_by(fixture.core_at(start() - minutes(2)));
    earlier
        .push([an_update("bus-1")
            .observed(start() - minutes(40))
            .with("speed_kmh", 3)])
        .await;
    earlier.polled([a_report("sim-main")]).await;
    let device = of_device(&depot, "bus-1").await;
    assert_eq!(
        (device.health.state, device.cause.map(|cause| cause.reason)),
        (Delayed, Some(Reason::ProviderLag))
    );
    assert_eq!(device.health.lag, Some(minutes(38)));
}

#[tokio::test]
async fn an_absent_device_tells_when_it_was_last_in_an_answer() {
    let fixture = Fixture::create().await;
    let depot = a_workspace("north")
        .with(a_device("bus-1"))
        .create(&fixture)
        .await;
    depot
        .seen_by(fixture.core_at(start() - minutes(12)))
        .polled([a_report("sim-main")])
        .await;
    for ago in [7, 2] {
        depot
            .seen_by(fixture.core_at(start() - minutes(ago)))
            .polled([a_report("sim-main").missing(["bus-1"])])
            .await;
    }
    assert_eq!(
        of_device(&depot, "bus-1").await.last_returned_at,
        Some(start() - minutes(12))
    );
    fixture.clock.advance(minutes(3));
    depot.polled([a_report("sim-main")]).await;
    assert_eq!(
        of_device(&depot, "bus-1").await.last_returned_at,
        Some(start() + minutes(3))
    );
}

#[tokio::test]
async fn states_are_counted_and_an_outage_is_not_held_against_the_service_level() {
    let fixture = Fixture::create().await;
    let depot = a_workspace("north")
        .through(a_connection("sim-main"))
        .through(a_connection("sim-down"))
        .with_all([
            a_device("fresh").silent_for(minutes(5)),
            a_device("late").silent_for(minutes(5) + seconds(1)),
            a_device("stale").silent_for(minutes(16)),
            a_device("down").through("sim-down").silent_for(minutes(30)),
            a_device("new").configured(minutes(1)),
            a_device("never"),
            a_device("gone").silent_for(minutes(1)),
        ])
        .create(&fixture)
        .await;
    depot.deactivate("gone").await;
    depot
        .seen_by(fixture.core_at(start() - minutes(2)))
        .polled([
            a_report("sim-main"),
            a_report("sim-down").failed(ErrorClass::Unavailable),
        ])
        .await;
    let report = health(&depot).await;
    let counts: Vec<u32> = [Healthy, Delayed, AwaitingFirstData, Stale, ConfiguredNoData]
        .iter()
        .map(|state| report.summary.counts[state])
        .collect();
    assert_eq!(counts, [2, 0, 1, 2, 1]);
    assert_eq!(report.summary.counts.len(), HealthState::ALL.len());
    assert_eq!(
        (
            report.summary.freshness.within_5_minutes,
            report.summary.freshness.eligible_devices
        ),
        (1, 4)
    );
    let ids: Vec<_> = report
        .devices
        .iter()
        .map(|device| device.row.device_id.as_str())
        .collect();
    assert_eq!(ids, ["down", "fresh", "late", "never", "new", "stale"]);
}

#[tokio::test]
async fn thresholds_are_the_policys_and_the_connections() {
    let fixture = Fixture::create().await;
    let depot = a_workspace("north")
        .through(a_connection("sim-main"))
        .through(a_connection("sim-slow").reporting_every_minutes(30))
        .with_all([
            a_device("bus-1").silent_for(minutes(20)),
            a_device("slow").through("sim-slow").silent_for(minutes(20)),
        ])
        .create(&fixture)
        .await;
    assert_eq!(of_device(&depot, "bus-1").await.health.state, Stale);
    let slow = of_device(&depot, "slow").await.health;
    assert_eq!((slow.state, slow.stale_after), (Healthy, minutes(90)));

    let relaxed = Policy::try_new(15, 30, 60).expect("a policy");
    change_policy(&depot.core, AUTHOR, &depot.id, relaxed, &Precondition::None)
        .await
        .expect("a change");
    assert_eq!(of_device(&depot, "bus-1").await.health.state, Delayed);
}

#[tokio::test]
async fn a_vehicle_is_as_well_as_its_mildest_device() {
    let fixture = Fixture::create().await;
    let depot = a_workspace("north")
        .with_all([
            a_device("front").fitted_to("tram").silent_for(minutes(3)),
            a_device("rear").fitted_to("tram").silent_for(minutes(20)),
            a_device("bus-1").fitted_to("bus").silent_for(minutes(20)),
        ])
        .create(&fixture)
        .await;
    let page = PageRequest {
        after: None,
        limit: 10,
    };
    let filter = HealthFilter::default();
    let at = HealthAt::Present(fixture.clock.now());
    let listed = list_vehicle_health(&depot.core, &depot.id, &filter, &page, at).await;
    let vehicles = listed.expect("the health of the workspace").page.items;
    let seen: Vec<_> = vehicles
        .iter()
        .map(|vehicle| {
            (
                vehicle.vehicle_id.as_str(),
                vehicle.state,
                vehicle.worst_device_state,
                vehicle.devices.len(),
            )
        })
        .collect();
    assert_eq!(
        seen,
        [("bus", Stale, Stale, 1), ("tram", Healthy, Stale, 2)]
    );
    assert_eq!(
        vehicles[1].last_update_received_at,
        Some(start() - minutes(3))
    );
}

#[tokio::test]
async fn asking_for_health_writes_nothing() {
    let fixture = Fixture::create().await;
    let depot = a_workspace("north")
        .with_all([a_device("bus-1"), a_device("bus-2").silent_for(minutes(20))])
        .create(&fixture)
        .await;
    let events = async || -> i64 {
        sqlx::query_scalar("SELECT count(*) FROM event_store")
            .fetch_one(fixture.store().pool())
            .await
            .expect("a count")
    };
    let before = events().await;
    health(&depot).await;
    fixture.clock.advance(minutes(90));
    health(&depot).await;
    assert_eq!(events().await, before);
}
