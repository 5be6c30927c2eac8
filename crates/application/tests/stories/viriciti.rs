//! A connection to ViriCiti is polled in a cycle like any other.

use application::polling::run_cycle;
use bf_depot_sim::{Account, Behaviour, Fault, SignalName};
use chrono::{SubsecRound, TimeDelta};
use domain::fleet::ProviderType;
use domain::ids::DeviceId;
use domain::polling::{ConnectionOutcome, ConnectionReport, CycleStatus, ErrorClass};
use domain::signals::Signal;
use testkit::{Fixture, Fleet, a_device, a_workspace, minutes};

use crate::provider::Provider;

/// Runs a cycle, and tells how it ended and how the ViriCiti connection fared in it.
async fn polled(depot: &Fleet, provider: &Provider) -> (CycleStatus, ConnectionReport) {
    let cycle_id = depot.trigger(None).await.cycle_id;
    let claimed = depot.claim(cycle_id).await.expect("a claim");
    let status = run_cycle(&depot.core, &provider.clients(), &claimed)
        .await
        .expect("a cycle");
    let polls = depot.cycle(cycle_id).await.polls;
    let report = polls
        .into_iter()
        .map(|poll| poll.report)
        .find(|report| report.provider_id.as_str() == "viriciti-main");
    (status, report.expect("a report"))
}

async fn a_depot_with_both(fixture: &Fixture) -> (Fleet, Provider) {
    let account = Account::fleet("north", 2).with_vehicle(
        "without-soc",
        Behaviour::WithoutSignals {
            signals: vec![SignalName::StateOfChargePercent],
        },
    );
    let provider = Provider::serve(&fixture.clock, [account]).await;
    let viriciti = provider
        .connection("viriciti-main", "north")
        .of_type(ProviderType::Viriciti);
    let through = |id, name| a_device(id).through("viriciti-main").called(name);
    let depot = a_workspace("north")
        .through(provider.connection("sim-main", "north"))
        .through(viriciti)
        .with(a_device("native-1").called("vehicle-001"))
        .with(through("bus-1", "vehicle-001"))
        .with(through("bus-2", "without-soc"))
        .with(through("bus-3", "vehicle-009"))
        .create(fixture)
        .await;
    (depot, provider)
}

#[tokio::test]
async fn its_devices_hold_what_the_same_vehicles_hold_natively() {
    let fixture = Fixture::create().await;
    let (depot, provider) = a_depot_with_both(&fixture).await;
    let (status, report) = polled(&depot, &provider).await;
    assert_eq!(status, CycleStatus::Completed);
    assert_eq!(report.outcome, ConnectionOutcome::Ok);
    assert_eq!(
        (report.devices_expected, report.returned, report.accepted),
        (3, 2, 2)
    );
    let missing: Vec<_> = report.missing.iter().map(DeviceId::as_str).collect();
    assert_eq!(missing, ["bus-3"]);
    assert!(report.rejected.is_empty(), "{:?}", report.rejected);

    let native = depot.snapshot("native-1").await.held.readings;
    let held = depot.snapshot("bus-1").await.held.readings;
    let names: Vec<_> = held.iter().map(|(signal, _)| signal.name()).collect();
    assert_eq!(
        names,
        [
            "state_of_charge_percent",
            "battery_power_kw",
            "range_km",
            "odometer_km",
            "speed_kmh",
            "position"
        ]
    );
    for (signal, reading) in held.iter() {
        let native = native.get(signal).expect("a reading");
        assert_eq!(reading.value, native.value, "{signal:?}");
        assert_eq!(reading.observed_at, native.observed_at.trunc_subsecs(3));
    }
    let without_soc = depot.snapshot("bus-2").await.held.readings;
    let soc = Signal::named("state_of_charge_percent").expect("a signal");
    assert_eq!(
        (without_soc.get(soc), without_soc.iter().count()),
        (None, 5)
    );
    assert_eq!(depot.snapshot("bus-3").await.held.version, 0);
}

#[tokio::test]
async fn the_same_old_values_are_duplicates_and_newer_ones_move_on() {
    let fixture = Fixture::create().await;
    let (depot, provider) = a_depot_with_both(&fixture).await;
    polled(&depot, &provider).await;
    let (_, again) = polled(&depot, &provider).await;
    assert_eq!(
        (again.accepted, again.duplicate, again.unchanged),
        (0, 2, 2)
    );
    fixture.clock.advance(minutes(5));
    let (_, later) = polled(&depot, &provider).await;
    assert_eq!((later.accepted, later.duplicate), (2, 0));
    let age = fixture.clock.now()
        - depot
            .snapshot("bus-1")
            .await
            .held
            .readings
            .newest_observed_at()
            .expect("a reading");
    assert!(age <= TimeDelta::minutes(1), "{age}");
}

#[tokio::test]
async fn its_failure_leaves_the_other_connections_results_accepted() {
    let fixture = Fixture::create().await;
    let down = Account::fleet("down", 1).with_fault(Fault::Unavailable);
    let provider = Provider::serve(&fixture.clock, [Account::fleet("well", 1), down]).await;
    let viriciti = provider
        .connection("viriciti-main", "down")
        .of_type(ProviderType::Viriciti);
    let depot = a_workspace("north")
        .through(provider.connection("sim-main", "well"))
        .through(viriciti)
        .with(a_device("bus-1").called("vehicle-001"))
        .with(
            a_device("bus-2")
                .through("viriciti-main")
                .called("vehicle-001"),
        )
        .create(&fixture)
        .await;
    let (status, report) = polled(&depot, &provider).await;
    assert_eq!(status, CycleStatus::Partial);
    assert_eq!(
        (
            report.outcome,
            report.error.map(|error| error.class),
            report.attempts
        ),
        (ConnectionOutcome::Failed, Some(ErrorClass::Unavailable), 3)
    );
    assert!(depot.snapshot("bus-1").await.held.version > 0);
    assert_eq!(depot.snapshot("bus-2").await.held.version, 0);

    provider.clear_fault("down");
    let (status, _) = polled(&depot, &provider).await;
    assert_eq!(status, CycleStatus::Completed);
    assert_eq!(depot.snapshot("bus-2").await.held.version, 1);
}
