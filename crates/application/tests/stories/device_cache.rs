//! What an instance caches saves it reading, and never changes an answer's consequences.

use application::Core;
use application::commands::{AcceptError, CutoverCommand};
use domain::acceptance::{Item, Source};
use domain::fleet::{CutoverPatch, ProviderMode};
use domain::signals::{Signal, SignalValue};
use testkit::{
    Fixture, Fleet, a_connection, a_device, a_workspace, an_update, minutes, record_in, seconds,
    start, statements_of, words_of,
};

/// Two instances that both have cached `bus-1` as of an old reading.
async fn two_instances(fixture: &Fixture, id: &str) -> (Fleet, Fleet) {
    let here = a_workspace(id)
        .with_all([a_device("bus-1"), a_device("bus-2")])
        .create(fixture)
        .await;
    let there = here.seen_by(fixture.another_instance());
    let old = an_update("bus-1")
        .observed(start() - minutes(5))
        .with("speed_kmh", 10);
    assert_eq!(words_of(&here.push([old.clone()]).await), ["accepted"]);
    assert_eq!(words_of(&there.push([old]).await), ["duplicate"]);
    (here, there)
}

async fn speed(depot: &Fleet) -> Option<SignalValue> {
    let row = depot.snapshot("bus-1").await;
    row.held
        .readings
        .get(Signal::named("speed_kmh").expect("a signal"))
        .map(|reading| reading.value)
}

#[tokio::test]
async fn a_parked_fleets_repeated_readings_are_not_looked_up() {
    let fixture = Fixture::create().await;
    let ids: Vec<String> = (0..20).map(|n| format!("bus-{n}")).collect();
    let depot = a_workspace("north")
        .with_all(ids.iter().map(|id| a_device(id)))
        .create(&fixture)
        .await;
    let readings = || {
        ids.iter().map(|id| {
            an_update(id)
                .from_unit("sim-main", &format!("{id}-unit"))
                .with("speed_kmh", 0)
        })
    };
    depot.push(readings()).await;
    let (judged, statements) = statements_of(depot.push(readings())).await;
    assert_eq!(words_of(&judged), vec!["duplicate"; ids.len()]);
    assert_eq!(statements, ["acceptance: record updates"]);
    let (_, statements) =
        statements_of(depot.push(readings().map(|update| update.observed(start() + seconds(1)))))
            .await;
    assert_eq!(
        statements,
        ["acceptance: record updates"],
        "nor are their new ones"
    );
}

#[tokio::test]
async fn what_an_instance_has_not_seen_yet_counts_all_the_same() {
    let fixture = Fixture::create().await;
    for (name, age, value, expected, held) in [
        ("newer", 60, 30, "accepted", 30),
        ("older-than-the-others", 120, 30, "stale", 20),
        ("the-others-own", 90, 20, "duplicate", 20),
        ("of-the-same-time-and-greater", 90, 21, "accepted", 21),
        ("of-the-same-time-and-less", 90, 19, "stale", 20),
    ] {
        let (here, there) = two_instances(&fixture, name).await;
        there
            .push([an_update("bus-1")
                .observed(start() - seconds(90))
                .with("speed_kmh", 20)])
            .await;
        let update = an_update("bus-1")
            .observed(start() - seconds(age))
            .with("speed_kmh", value);
        // A device of the same batch that nobody else has moved.
        let judged = here
            .push([update.clone(), an_update("bus-2").with("speed_kmh", 1)])
            .await;
        assert_eq!(words_of(&judged), [expected, "accepted"], "{name}");
        assert_eq!(
            speed(&here).await,
            Some(SignalValue::Number(f64::from(held))),
            "{name}"
        );
        let events = here.accepted_events("bus-1").await.len();
        assert_eq!(events, if expected == "accepted" { 3 } else { 2 }, "{name}");
        assert_eq!(
            here.snapshot("bus-1").await.held.version,
            i64::try_from(events).expect("a count"),
            "{name}"
        );
        assert_eq!(
            here.fold_of_events("bus-1").await,
            here.snapshot("bus-1").await.held.readings,
            "{name}"
        );
        assert_ne!(
            words_of(&here.push([update]).await),
            ["accepted"],
            "{name}: it is held, or older than what is"
        );
    }
}

#[tokio::test]
async fn a_change_made_through_another_instance_counts_at_once() {
    let fixture = Fixture::create().await;
    let (here, there) = two_instances(&fixture, "north").await;
    let mut tick = 0;
    let mut newer = || -> [Item; 2] {
        tick += 1;
        let update = an_update("bus-1")
            .observed(start() - seconds(60 - tick))
            .with("speed_kmh", 30);
        [
            update.clone().into(),
            update
                .from_unit("sim-main", "bus-1-unit")
                .with("range_km", 5)
                .into(),
        ]
    };
    assert_eq!(
        words_of(&here.push(newer()).await),
        ["accepted", "accepted"]
    );

    there.deactivate("bus-1").await;
    assert_eq!(
        words_of(&here.push(newer()).await),
        ["inactive_device", "inactive_device"]
    );

    there.configure(a_device("bus-1")).await;
    assert_eq!(
        words_of(&here.push(newer()).await),
        ["accepted", "accepted"]
    );
    assert_eq!(
        here.snapshot("bus-1").await.held.version,
        2,
        "of the new activation"
    );

    there.deactivate("bus-1").await;
    there
        .configure(a_device("bus-2").called("bus-1-unit"))
        .await;
    assert_eq!(
        words_of(&here.push(newer()).await),
        ["inactive_device", "accepted"]
    );
    assert_eq!(
        here.snapshot("bus-2").await.held.version,
        1,
        "the unit is fitted elsewhere now"
    );

    set_enabled(&there.core, &there, false).await;
    assert_eq!(
        words_of(&here.push(newer()).await),
        ["connection_disabled", "connection_disabled"]
    );
    set_enabled(&there.core, &there, true).await;
    assert_eq!(
        words_of(&here.push(newer()).await),
        ["inactive_device", "accepted"]
    );
}

/// Flags, and whether the workspace is active at all.
#[tokio::test]
async fn what_a_workspace_stands_at_elsewhere_counts_at_once() {
    let fixture = Fixture::create().await;
    let (here, there) = two_instances(&fixture, "north").await;
    let newer = |later| {
        [an_update("bus-1")
            .observed(start() + seconds(later))
            .with("speed_kmh", 30)]
    };
    let set_mode = async |provider_mode| {
        let command = CutoverCommand::Patch(CutoverPatch {
            provider_mode: Some(provider_mode),
            ..CutoverPatch::default()
        });
        there.change_flags(command).await;
    };
    set_mode(ProviderMode::LegacyProvider).await;
    assert_eq!(
        words_of(&here.push(newer(1)).await),
        ["provider_not_allowed"]
    );
    set_mode(ProviderMode::Mixed).await;
    assert_eq!(words_of(&here.push(newer(1)).await), ["accepted"]);

    let items: Vec<Item> = newer(2).map(Item::from).into();
    there.set_active(false).await;
    let refused = here.accept(&items, Source::Push).await;
    assert!(
        matches!(refused, Err(AcceptError::InactiveWorkspace)),
        "{refused:?}"
    );
    there.set_active(true).await;
    assert_eq!(words_of(&here.push(newer(2)).await), ["accepted"]);
}

async fn set_enabled(core: &Core, depot: &Fleet, enabled: bool) {
    let depot = depot.seen_by(core.clone());
    let connection = a_connection("sim-main").enabled(enabled);
    depot.connect(connection).await;
}

#[tokio::test]
async fn what_was_undone_is_not_cached() {
    let fixture = Fixture::create().await;
    let (here, _) = two_instances(&fixture, "north").await;
    let update = an_update("bus-1").with("speed_kmh", 40);
    {
        let store = &here.core.store;
        let mut writer = store.begin_acceptance(&here.id).await.expect("the store");
        record_in(&mut writer, &here, &update.clone().into()).await;
        // Dropped, and so undone.
    }
    assert_eq!(words_of(&here.push([update]).await), ["accepted"]);
    assert_eq!(speed(&here).await, Some(SignalValue::Number(40.0)));
}

#[tokio::test]
async fn what_there_is_no_room_for_is_read_again() {
    let fixture = Fixture::create().await;
    let (here, _) = two_instances(&fixture, "north").await;
    let forgetful = here.seen_by(Core {
        store: here.core.store.clone().caching_at_most(0),
        ..here.core.clone()
    });
    let repeated = || {
        [an_update("bus-1")
            .observed(start() - minutes(5))
            .with("speed_kmh", 10)]
    };
    for _ in 0..2 {
        let (judged, statements) = statements_of(forgetful.push(repeated())).await;
        assert_eq!(words_of(&judged), ["duplicate"]);
        assert!(
            statements.contains(&"acceptance: devices and what is held, by id".to_owned()),
            "{statements:?}"
        );
    }
}
