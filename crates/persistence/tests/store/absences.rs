//! Absences: devices that the latest answer of their connection did not name.

use chrono::{DateTime, Utc};
use domain::health::ActiveDevice;
use domain::polling::ErrorClass;
use persistence::Fence;
use testkit::{
    Fixture, Fleet, a_connection, a_device, a_report, a_workspace, minutes, seconds, start,
};

async fn row_of(depot: &Fleet, device: &str) -> ActiveDevice {
    let told = depot.core.store.health_facts(&depot.id).await;
    let (_, facts) = told.expect("facts").expect("the workspace");
    facts
        .devices
        .into_iter()
        .find(|row| row.device_id.as_str() == device)
        .expect("an active device")
}

async fn absence(depot: &Fleet, device: &str) -> Option<Option<DateTime<Utc>>> {
    let row = row_of(depot, device).await;
    row.absent.then_some(row.returned_before_absence_at)
}

/// The absent devices, with the number of the transaction that wrote each row.
async fn writes(fixture: &Fixture) -> Vec<(String, String)> {
    sqlx::query_as("SELECT device_id, xmin::text FROM device_absences ORDER BY device_id")
        .fetch_all(fixture.store().pool())
        .await
        .expect("absences")
}

#[tokio::test]
async fn a_device_that_an_answer_lacks_is_absent_until_one_has_it() {
    let fixture = Fixture::create().await;
    let depot = a_workspace("north")
        .with_all([a_device("bus-1"), a_device("bus-2")])
        .create(&fixture)
        .await;
    let answered_at = start();
    depot.polled([a_report("sim-main")]).await;
    assert_eq!(absence(&depot, "bus-1").await, None);

    fixture.clock.advance(minutes(5));
    depot
        .polled([a_report("sim-main").missing(["bus-1"])])
        .await;
    assert_eq!(
        absence(&depot, "bus-1").await,
        Some(Some(answered_at)),
        "it was in the answer before"
    );
    assert_eq!(absence(&depot, "bus-2").await, None);

    fixture.clock.advance(minutes(5));
    depot
        .polled([a_report("sim-main").missing(["bus-1"])])
        .await;
    assert_eq!(
        absence(&depot, "bus-1").await,
        Some(Some(answered_at)),
        "not the answer that lacked it"
    );

    fixture.clock.advance(minutes(5));
    depot.polled([a_report("sim-main")]).await;
    assert_eq!(absence(&depot, "bus-1").await, None);
    assert!(writes(&fixture).await.is_empty());
}

#[tokio::test]
async fn a_long_silence_is_written_once() {
    let fixture = Fixture::create().await;
    let depot = a_workspace("north")
        .with_all([a_device("bus-1"), a_device("bus-2")])
        .create(&fixture)
        .await;
    depot
        .polled([a_report("sim-main").missing(["bus-1"])])
        .await;
    let first = writes(&fixture).await;
    assert_eq!(first.len(), 1);
    for _ in 0..3 {
        fixture.clock.advance(minutes(5));
        depot
            .polled([a_report("sim-main").missing(["bus-1"])])
            .await;
    }
    assert_eq!(writes(&fixture).await, first);

    fixture.clock.advance(minutes(5));
    depot
        .polled([a_report("sim-main").missing(["bus-1", "bus-2"])])
        .await;
    let both = writes(&fixture).await;
    assert_eq!(
        (both.len(), &both[0]),
        (2, &first[0]),
        "only the new absence was written"
    );
}

#[tokio::test]
async fn a_device_that_no_answer_named_has_no_last_answer() {
    let fixture = Fixture::create().await;
    let depot = a_workspace("north")
        .with(a_device("bus-1"))
        .create(&fixture)
        .await;
    depot
        .polled([a_report("sim-main").missing(["bus-1"])])
        .await;
    assert_eq!(absence(&depot, "bus-1").await, Some(None));
}

#[tokio::test]
async fn a_failed_poll_and_another_connection_change_no_absence() {
    let fixture = Fixture::create().await;
    let depot = a_workspace("north")
        .through(a_connection("sim-main"))
        .through(a_connection("sim-other"))
        .with_all([a_device("bus-1"), a_device("far").through("sim-other")])
        .create(&fixture)
        .await;
    depot
        .polled([
            a_report("sim-main").missing(["bus-1"]),
            a_report("sim-other"),
        ])
        .await;
    let before = writes(&fixture).await;

    fixture.clock.advance(minutes(5));
    // A failed poll is no answer, and another connection's answer speaks of its own devices only.
    depot
        .polled([
            a_report("sim-main").failed(ErrorClass::Unavailable),
            a_report("sim-other"),
        ])
        .await;
    assert_eq!(writes(&fixture).await, before);
    assert_eq!(absence(&depot, "bus-1").await, Some(None));
    assert_eq!(absence(&depot, "far").await, None);
}

#[tokio::test]
async fn a_device_that_was_not_asked_for_is_not_absent() {
    let fixture = Fixture::create().await;
    let depot = a_workspace("north")
        .with_all([a_device("bus-1"), a_device("bus-2").configured(minutes(0))])
        .create(&fixture)
        .await;
    let cycle = depot
        .claim(depot.trigger(None).await.cycle_id)
        .await
        .expect("a claim");
    let mut uow = fixture
        .store()
        .begin(&depot.id, Fence::Shared)
        .await
        .expect("the store");
    // bus-2 was activated while the provider was being asked.
    let asked_at = start() - seconds(1);
    let report = a_report("sim-main").missing(["bus-1", "bus-2"]).build();
    uow.record_connection(cycle.cycle_id, &report, asked_at, start())
        .await
        .expect("a report");
    uow.commit().await.expect("a commit");
    assert_eq!(absence(&depot, "bus-1").await, Some(None));
    assert_eq!(absence(&depot, "bus-2").await, None);
}

#[tokio::test]
async fn an_answer_from_before_an_activation_does_not_count_for_it() {
    let fixture = Fixture::create().await;
    let depot = a_workspace("north")
        .with(a_device("bus-1"))
        .create(&fixture)
        .await;
    depot.polled([a_report("sim-main")]).await;
    fixture.clock.advance(minutes(1));
    depot
        .configure(a_device("bus-1").called("another-unit"))
        .await;
    fixture.clock.advance(minutes(4));
    depot
        .polled([a_report("sim-main").missing(["bus-1"])])
        .await;
    assert_eq!(
        absence(&depot, "bus-1").await,
        Some(None),
        "the answer before was of another unit"
    );
}

#[tokio::test]
async fn a_new_activation_begins_without_the_old_absence() {
    let fixture = Fixture::create().await;
    let depot = a_workspace("north")
        .with(a_device("bus-1"))
        .create(&fixture)
        .await;
    depot
        .polled([a_report("sim-main").missing(["bus-1"])])
        .await;
    fixture.clock.advance(minutes(1));
    depot
        .configure(a_device("bus-1").called("another-unit"))
        .await;
    assert_eq!(absence(&depot, "bus-1").await, None);
    assert!(writes(&fixture).await.is_empty());
}
