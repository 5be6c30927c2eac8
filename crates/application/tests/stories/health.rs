//! Health with its reason, from what cycles and batches have left in the records.

use application::queries::{
    DeviceHealth, HealthAt, HealthFilter, HealthReport, PageRequest, evaluate_workspace,
    list_vehicle_health,
};
use domain::fleet::Policy;
use domain::health::HealthState;
use domain::health::HealthState::{AwaitingFirstData, ConfiguredNoData, Delayed, Healthy, Stale};
use domain::polling::ErrorClass;
use testkit::{
    DeviceBuilder, Fixture, Fleet, ReportBuilder, a_connection, a_device, a_report, a_workspace,
    minutes, seconds, start,
};

async fn health(depot: &Fleet) -> HealthReport {
    let at = HealthAt::Present(depot.core.clock.now());
    let report = evaluate_workspace(&depot.core, &depot.id, at).await;
    report.expect("the health of the workspace")
}

pub async fn of_device(depot: &Fleet, device: &str) -> DeviceHealth {
    let report = health(depot).await;
    report
        .devices
        .into_iter()
        .find(|health| health.row.device_id.as_str() == device)
        .expect("an active device")
}

/// A depot whose last cycle was two minutes ago.
pub async fn polled(
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
    depot.change_policy(relaxed).await;
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
