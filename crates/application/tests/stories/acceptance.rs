//! What becomes of a batch, and what it leaves.

use application::commands::AcceptError;
use domain::acceptance::{Item, Source, Verdict};
use domain::fleet::{Cutover, ProviderMode, ProviderType};
use domain::ids::WorkspaceId;
use testkit::{
    CORE_OWNED, Fixture, Fleet, UpdateBuilder, a_connection, a_device, a_workspace, an_update,
    minutes, seconds, start, statements_of, words_of,
};

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
    assert_eq!(depot.snapshot("bus-1").await.held.version, 2);
    assert_eq!(depot.snapshot("off").await.held.version, 0);
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
    assert_eq!(depot.snapshot("bus-1").await.held.version, 2);
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

    depot.set_active(false).await;
    assert!(matches!(
        depot.accept(&items, Source::Push).await,
        Err(AcceptError::InactiveWorkspace)
    ));
    assert!(depot.accepted_events("bus-1").await.is_empty());
    depot.set_active(true).await;
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
