//! What accepted updates leave behind: snapshots, and the history that they are the fold of.

use domain::signals::Signal;
use testkit::{
    Fixture, Fleet, UpdateBuilder, a_device, a_workspace, an_update, minutes, seconds, start,
    words_of,
};

/// Which transaction last wrote the device's snapshot.
async fn written_by(depot: &Fleet, device: &str) -> Option<String> {
    sqlx::query_scalar(
        "SELECT xmin::text FROM snapshots WHERE workspace_id = $1 AND device_id = $2",
    )
    .bind(depot.id.as_str())
    .bind(device)
    .fetch_optional(depot.core.store.pool())
    .await
    .expect("the store")
}

#[tokio::test]
async fn an_event_exists_if_and_only_if_the_snapshot_moved() {
    let fixture = Fixture::create().await;
    let depot = a_workspace("north")
        .with(a_device("bus-1"))
        .create(&fixture)
        .await;
    let first = an_update("bus-1")
        .with("speed_kmh", 10)
        .with("range_km", 200);
    for (name, update, moves) in [
        ("the first", first.clone(), true),
        ("the same again", first.clone(), false),
        (
            "a part of it",
            an_update("bus-1").with("range_km", 200),
            false,
        ),
        (
            "an older one",
            an_update("bus-1")
                .observed(start() - seconds(9))
                .with("speed_kmh", 30),
            false,
        ),
        (
            "a lesser value of the same time",
            an_update("bus-1").with("speed_kmh", 9),
            false,
        ),
        (
            "a greater value of the same time",
            an_update("bus-1").with("speed_kmh", 11),
            true,
        ),
        (
            "an older one with a signal that is not held",
            an_update("bus-1")
                .observed(start() - seconds(9))
                .with("plugged_in", true),
            true,
        ),
        (
            "one that is refused",
            an_update("bus-1")
                .observed(start() + minutes(9))
                .with("speed_kmh", 30),
            false,
        ),
    ] {
        let (before, events) = (
            written_by(&depot, "bus-1").await,
            depot.accepted_events("bus-1").await.len(),
        );
        fixture.clock.advance(seconds(1));
        depot.push([update]).await;
        assert_eq!(
            written_by(&depot, "bus-1").await != before,
            moves,
            "{name}: the row"
        );
        assert_eq!(
            depot.accepted_events("bus-1").await.len() - events,
            usize::from(moves),
            "{name}: its events"
        );
    }
    let snapshot = depot.snapshot("bus-1").await;
    assert_eq!(snapshot.held.version, 3);
    assert_eq!(
        snapshot.last_update_received_at,
        Some(start() + seconds(7)),
        "when the last accepted one came"
    );
    assert_eq!(snapshot.newest_observed_at, Some(start()));
}

#[tokio::test]
async fn a_snapshot_is_the_fold_of_its_events() {
    let fixture = Fixture::create().await;
    let depot = a_workspace("north")
        .with(a_device("bus-1"))
        .create(&fixture)
        .await;
    let position = serde_json::json!({"latitude_deg": 52.0907, "longitude_deg": 5.1214});
    let one_batch: [UpdateBuilder; 3] = [
        an_update("bus-1")
            .observed(start() - seconds(2))
            .with("speed_kmh", 0.1)
            .with("charging_state", "charging")
            .with("position", position),
        an_update("bus-1")
            .observed(start() - seconds(3))
            .with("speed_kmh", 7)
            .with("odometer_km", 120_000.25),
        an_update("bus-1")
            .observed(start() - seconds(1))
            .with("speed_kmh", 3),
    ];
    assert_eq!(
        words_of(&depot.push(one_batch).await),
        ["accepted", "accepted", "accepted"]
    );
    depot
        .push([an_update("bus-1")
            .with("plugged_in", false)
            .with("speed_kmh", 3)])
        .await;

    let row = depot.snapshot("bus-1").await;
    assert_eq!(row.held.version, 4);
    assert_eq!(depot.fold_of_events("bus-1").await, row.held.readings);
    let events = depot.accepted_events("bus-1").await;
    let named = |at: usize| {
        events[at]
            .readings
            .iter()
            .map(|(signal, _)| signal.name())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        named(1),
        ["odometer_km"],
        "an event holds what moved, not what was ignored"
    );
}

#[tokio::test]
async fn a_new_activation_starts_empty_and_the_old_history_stays() {
    let fixture = Fixture::create().await;
    let depot = a_workspace("north")
        .with(a_device("bus-1"))
        .create(&fixture)
        .await;
    depot
        .push([an_update("bus-1")
            .with("speed_kmh", 10)
            .with("range_km", 200)])
        .await;
    fixture.clock.advance(minutes(1));
    depot
        .configure(a_device("bus-1").fitted_to("another-vehicle"))
        .await;

    let empty = depot.snapshot("bus-1").await;
    assert_eq!(
        (empty.held.version, empty.last_update_received_at),
        (0, None)
    );
    assert!(empty.held.readings.is_empty());
    assert_eq!(
        depot.accepted_events("bus-1").await.len(),
        1,
        "the history stays"
    );

    // The very reading that the former activation held is news to this one.
    assert_eq!(
        words_of(&depot.push([an_update("bus-1").with("speed_kmh", 10)]).await),
        ["accepted"]
    );
    let row = depot.snapshot("bus-1").await;
    assert_eq!(row.held.version, 1);
    assert_eq!(
        row.held
            .readings
            .get(Signal::named("range_km").expect("a signal")),
        None
    );
    assert_eq!(depot.fold_of_events("bus-1").await, row.held.readings);

    depot.deactivate("bus-1").await;
    fixture.clock.advance(minutes(1));
    depot
        .configure(a_device("bus-1").fitted_to("another-vehicle"))
        .await;
    assert_eq!(
        depot.snapshot("bus-1").await.held.version,
        0,
        "nor does it survive a deactivation"
    );
}

#[tokio::test]
async fn what_was_dropped_is_remembered_until_the_signal_comes() {
    let fixture = Fixture::create().await;
    let depot = a_workspace("north")
        .with(a_device("bus-1"))
        .create(&fixture)
        .await;
    depot
        .push([an_update("bus-1")
            .with("speed_kmh", 10)
            .with("range_km", 99_999)
            .with("state_of_charge_percent", 255)])
        .await;
    assert_eq!(
        drops(&depot).await,
        serde_json::json!({"range_km": "out_of_range", "state_of_charge_percent": "not_available"})
    );

    depot.push([an_update("bus-1").with("range_km", 180)]).await;
    assert_eq!(
        drops(&depot).await,
        serde_json::json!({"state_of_charge_percent": "not_available"})
    );
}

async fn drops(depot: &Fleet) -> serde_json::Value {
    serde_json::json!(depot.snapshot("bus-1").await.held.drops)
}

#[tokio::test]
async fn a_clock_that_is_behind_does_not_take_the_last_acceptance_back() {
    let fixture = Fixture::create().await;
    let depot = a_workspace("north")
        .with(a_device("bus-1"))
        .create(&fixture)
        .await;
    let behind = depot.seen_by(fixture.core_at(start() - minutes(4)));
    depot
        .push([an_update("bus-1")
            .observed(start() - minutes(9))
            .with("speed_kmh", 1)])
        .await;
    assert_eq!(
        words_of(
            &behind
                .push([an_update("bus-1")
                    .observed(start() - minutes(8))
                    .with("speed_kmh", 2)])
                .await
        ),
        ["accepted"]
    );
    let snapshot = depot.snapshot("bus-1").await;
    assert_eq!(
        (snapshot.held.version, snapshot.last_update_received_at),
        (2, Some(start()))
    );
}
