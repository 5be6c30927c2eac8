//! The reason of an unhealthy device, from what its polls have left in the records.

use application::commands::CutoverCommand;
use domain::fleet::{CutoverPatch, PollOwner};
use domain::health::HealthState::{AwaitingFirstData, ConfiguredNoData, Delayed, Healthy, Stale};
use domain::health::Reason;
use domain::polling::ErrorClass;
use testkit::{
    Fixture, Fleet, a_connection, a_device, a_report, a_workspace, an_update, minutes, seconds,
    start,
};

use crate::health::{of_device, polled};

async fn reason(depot: &Fleet) -> Option<Reason> {
    let device = of_device(depot, "bus-1").await;
    device.cause.map(|cause| cause.reason)
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
    by_connection
        .connect(a_connection("sim-main").disabled())
        .await;

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
    by_flags.change_flags(CutoverCommand::Patch(patch)).await;
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
