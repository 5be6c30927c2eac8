//! What becomes of a batch, and what it leaves.

use application::commands::{AcceptError, Precondition, put_workspace};
use domain::acceptance::{Item, Source, Verdict};
use domain::fleet::{Cutover, ProviderMode, ProviderType};
use domain::ids::WorkspaceId;
use domain::signals::Signal;
use testkit::{
    AUTHOR, CORE_OWNED, Fixture, Fleet, UpdateBuilder, a_connection, a_device, a_workspace,
    an_update, minutes, seconds, start, statements_of, words_of,
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

fn malformed() -> Item {
    Item::Malformed {
        pointer: "/observed_at".to_owned(),
        detail: "must be text".to_owned(),
    }
}

#[tokio::test]
async fn every_item_of_a_mixed_batch_gets_its_own_answer_in_order() {
    let fixture = Fixture::create().await;
    let depot = a_workspace("north")
        .through(a_connection("sim-main"))
        .through(a_connection("sim-off").disabled())
        .with_all([
            a_device("bus-1"),
            a_device("bus-2"),
            a_device("off").through("sim-off"),
        ])
        .create(&fixture)
        .await;
    depot.push([an_update("bus-1").with("speed_kmh", 10)]).await;
    depot.configure(a_device("gone")).await;
    depot.deactivate("gone").await;

    let mut items: Vec<(&str, Item)> = vec![("malformed", malformed())];
    for (word, update) in [
        ("duplicate", an_update("bus-1").with("speed_kmh", 10)),
        (
            "stale",
            an_update("bus-1")
                .observed(start() - seconds(1))
                .with("speed_kmh", 90),
        ),
        (
            "accepted",
            an_update("bus-1")
                .observed(start() + seconds(1))
                .with("speed_kmh", 12),
        ),
        (
            "duplicate",
            an_update("bus-1")
                .observed(start() + seconds(1))
                .with("speed_kmh", 12),
        ),
        (
            "accepted",
            an_update("bus-2")
                .from_unit("sim-main", "bus-2-unit")
                .with("plugged_in", true),
        ),
        (
            "unknown_connection",
            an_update("bus-1")
                .from_unit("nowhere", "bus-1-unit")
                .with("speed_kmh", 1),
        ),
        ("connection_disabled", an_update("off").with("speed_kmh", 1)),
        ("unknown_device", an_update("bus-9").with("speed_kmh", 1)),
        (
            "unknown_device",
            an_update("bus-9")
                .from_unit("sim-main", "bus-9-unit")
                .with("speed_kmh", 1),
        ),
        ("inactive_device", an_update("gone").with("speed_kmh", 1)),
        (
            "inactive_device",
            an_update("gone")
                .from_unit("sim-main", "gone-unit")
                .with("speed_kmh", 1),
        ),
        (
            "invalid_timestamp",
            an_update("bus-1").without_time().with("speed_kmh", 1),
        ),
        (
            "future_timestamp",
            an_update("bus-1")
                .observed(start() + minutes(6))
                .with("speed_kmh", 1),
        ),
        (
            "no_valid_signals",
            an_update("bus-1").with("speed_kmh", 900),
        ),
    ] {
        items.push((word, update.into()));
    }
    let (expected, items): (Vec<_>, Vec<_>) = items.into_iter().unzip();
    assert_eq!(words_of(&depot.push(items).await), expected);

    assert_eq!(depot.accepted_events("bus-1").await.len(), 2);
    assert_eq!(depot.accepted_events("bus-2").await.len(), 1);
    assert_eq!(depot.snapshot("bus-1").await.version, 2);
    assert_eq!(depot.snapshot("off").await.version, 0);
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
    assert_eq!(snapshot.version, 3);
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

    let held = depot.snapshot("bus-1").await;
    assert_eq!(held.version, 4);
    assert_eq!(depot.fold_of_events("bus-1").await, held.readings);
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
    assert_eq!((empty.version, empty.last_update_received_at), (0, None));
    assert!(empty.readings.is_empty());
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
    let held = depot.snapshot("bus-1").await;
    assert_eq!(held.version, 1);
    assert_eq!(
        held.readings
            .get(Signal::named("range_km").expect("a signal")),
        None
    );
    assert_eq!(depot.fold_of_events("bus-1").await, held.readings);

    depot.deactivate("bus-1").await;
    fixture.clock.advance(minutes(1));
    depot
        .configure(a_device("bus-1").fitted_to("another-vehicle"))
        .await;
    assert_eq!(
        depot.snapshot("bus-1").await.version,
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
    let dropped = depot.snapshot("bus-1").await.dropped;
    let reasons: Vec<_> = ["range_km", "state_of_charge_percent"]
        .iter()
        .map(|name| dropped[*name].as_str())
        .collect();
    assert_eq!(
        (reasons, dropped.len()),
        (vec!["out_of_range", "not_available"], 2)
    );

    depot.push([an_update("bus-1").with("range_km", 180)]).await;
    let dropped = depot.snapshot("bus-1").await.dropped;
    assert_eq!(
        dropped.keys().collect::<Vec<_>>(),
        ["state_of_charge_percent"]
    );
}

#[tokio::test]
async fn a_malformed_item_costs_the_others_nothing() {
    let fixture = Fixture::create().await;
    let depot = a_workspace("north")
        .with(a_device("bus-1"))
        .create(&fixture)
        .await;
    let judged = depot
        .push([
            an_update("bus-1").with("speed_kmh", 1).into(),
            malformed(),
            an_update("bus-1").with("range_km", 1).into(),
        ])
        .await;
    assert_eq!(words_of(&judged), ["accepted", "malformed", "accepted"]);
    let Verdict::Rejected(rejection) = &judged[1].verdict else {
        panic!("it is rejected")
    };
    assert_eq!(rejection.pointer.as_deref(), Some("/observed_at"));
    assert_eq!(depot.snapshot("bus-1").await.version, 2);
    assert_eq!(words_of(&depot.push([malformed()]).await), ["malformed"]);
    assert!(depot.push(Vec::<Item>::new()).await.is_empty());
}

#[tokio::test]
async fn a_workspace_that_is_inactive_or_not_there_refuses_the_whole_batch() {
    let fixture = Fixture::create().await;
    let depot = a_workspace("north")
        .with(a_device("bus-1"))
        .create(&fixture)
        .await;
    let items = [an_update("bus-1").with("speed_kmh", 1).into()];
    let stranger = Fleet {
        id: WorkspaceId::try_new("nowhere").expect("an id"),
        ..depot.clone()
    };
    assert!(matches!(
        stranger.accept(&items, Source::Push).await,
        Err(AcceptError::UnknownWorkspace)
    ));

    let name = depot.record().await.workspace.name;
    put_workspace(
        &depot.core,
        AUTHOR,
        &depot.id,
        &name,
        false,
        None,
        &Precondition::None,
    )
    .await
    .expect("a change");
    assert!(matches!(
        depot.accept(&items, Source::Push).await,
        Err(AcceptError::InactiveWorkspace)
    ));
    assert!(depot.accepted_events("bus-1").await.is_empty());
    put_workspace(
        &depot.core,
        AUTHOR,
        &depot.id,
        &name,
        true,
        None,
        &Precondition::None,
    )
    .await
    .expect("a change");
    assert_eq!(words_of(&depot.push(items).await), ["accepted"]);
}

#[tokio::test]
async fn the_provider_mode_admits_its_own_kind() {
    let fixture = Fixture::create().await;
    for (mode, simulator, real) in [
        (ProviderMode::Mixed, "accepted", "accepted"),
        (ProviderMode::DepotSim, "accepted", "provider_not_allowed"),
        (
            ProviderMode::LegacyProvider,
            "provider_not_allowed",
            "accepted",
        ),
    ] {
        let depot = a_workspace(&format!("depot-{mode}"))
            .flags(Cutover {
                provider_mode: mode,
                ..CORE_OWNED
            })
            .through(a_connection("sim-main"))
            .through(a_connection("geo").of_type(ProviderType::Geotab))
            .with_all([a_device("bus-1"), a_device("bus-2").through("geo")])
            .create(&fixture)
            .await;
        let judged = depot
            .push([
                an_update("bus-1").with("speed_kmh", 1),
                an_update("bus-2").with("speed_kmh", 1),
            ])
            .await;
        assert_eq!(words_of(&judged), [simulator, real], "{mode}");
    }
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
        (snapshot.version, snapshot.last_update_received_at),
        (2, Some(start()))
    );
}

#[tokio::test]
async fn a_batch_of_any_size_takes_the_same_statements() {
    let fixture = Fixture::create().await;
    let ids: Vec<String> = (0..120).map(|n| format!("bus-{n:03}")).collect();
    let depot = a_workspace("north")
        .with_all(ids.iter().map(|id| a_device(id)))
        .create(&fixture)
        .await;
    let mut age = 100;
    let mut batch = |count: usize, by_unit: bool| -> Vec<UpdateBuilder> {
        age -= 1;
        let updates = ids.iter().take(count).map(|id| {
            (
                id,
                an_update(id)
                    .observed(start() - seconds(age))
                    .with("speed_kmh", 3),
            )
        });
        updates
            .map(|(id, update)| {
                if by_unit {
                    update.from_unit("sim-main", &format!("{id}-unit"))
                } else {
                    update
                }
            })
            .collect()
    };
    // Each batch by an instance that has just started, and so remembers nothing.
    let statements_for = async |batch: Vec<UpdateBuilder>| {
        let expected = vec!["accepted"; batch.len()];
        let (judged, statements) =
            statements_of(depot.seen_by(fixture.another_instance()).push(batch)).await;
        assert_eq!(words_of(&judged), expected);
        statements
    };
    for by_unit in [false, true] {
        let one = statements_for(batch(1, by_unit)).await;
        assert!((1..=6).contains(&one.len()), "{one:?}");
        for count in [7, 120] {
            assert_eq!(statements_for(batch(count, by_unit)).await, one, "{count}");
        }
    }
    let both_ways = statements_for([batch(120, false), batch(120, true)].concat()).await;
    assert!(both_ways.len() <= 7, "{both_ways:?}");
}
