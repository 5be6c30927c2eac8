//! A batch: each item is judged by what the ones before it left.

use super::*;
use crate::ids::EnvelopeId;
use crate::signals::{Reading, Readings};

#[test]
fn each_item_sees_what_the_ones_before_it_left() {
    let (speed, soc) = (
        number("speed_kmh", 10.0),
        number("state_of_charge_percent", 70.0),
    );
    let faster = number("speed_kmh", 11.0);
    let slower = number("speed_kmh", 9.0);
    let items = [
        update(by_id("d1"), 60, &[speed]),
        update(by_name("sim", "x1"), 60, &[speed]),
        update(by_id("d1"), 90, &[speed]),
        update(by_id("d1"), 60, &[slower]),
        update(by_id("d1"), 60, &[faster]),
        update(by_id("d1"), 61, &[faster, soc]),
        update(by_id("d1"), 61, &[slower, soc]),
        update(by_id("g1"), 60, &[speed]),
    ]
    .map(Item::Update);
    let mut held = HashMap::new();
    let words: Vec<_> = judge_items(&items, &mut held, &gate())
        .iter()
        .map(|judged| judged.verdict.word().as_str())
        .collect();
    assert_eq!(
        words,
        [
            "accepted",
            "duplicate",
            "stale",
            "stale",
            "accepted",
            "accepted",
            "stale",
            "accepted"
        ]
    );
    let snapshot = &held[&device_id("d1")].readings;
    assert_eq!(held[&device_id("d1")].version, 3);
    assert_eq!(
        snapshot.get(faster.0).map(|reading| reading.value),
        Some(faster.1)
    );
    assert_eq!(
        snapshot.get(soc.0).map(|reading| reading.observed_at),
        Some(now() - TimeDelta::seconds(61))
    );
}

#[test]
fn an_accepted_update_lists_what_it_did_not_move() {
    let mut held = HashMap::new();
    let speed = number("speed_kmh", 10.0);
    let soc = number("state_of_charge_percent", 70.0);
    let items = [
        update(by_id("d1"), 60, &[speed]),
        update(by_id("d1"), 61, &[speed, soc]),
    ]
    .map(Item::Update);
    let judged = judge_items(&items, &mut held, &gate());
    let reading = Reading {
        value: soc.1,
        observed_at: now() - TimeDelta::seconds(61),
    };
    assert_eq!(
        judged[1].verdict,
        Verdict::Accepted {
            observed_at: reading.observed_at,
            newer: Arc::new(Readings::from_iter([(soc.0, reading)])),
            ignored: vec![speed.0]
        }
    );
}

#[test]
fn a_malformed_item_does_not_spoil_its_neighbours() {
    let items = [
        Item::Malformed {
            pointer: "/signals".into(),
            detail: "missing".into(),
        },
        Item::Update(update(by_id("d1"), 0, &[number("speed_kmh", 1.0)])),
    ];
    let judged = judge_items(&items, &mut HashMap::new(), &gate());
    assert_eq!(reason(&judged[0]), Some(RejectReason::Malformed));
    assert_eq!(judged[1].verdict.word(), OutcomeWord::Accepted);
}

/// The move of a snapshot has the device's accepted updates in their order, each with the version it made.
#[test]
fn a_decision_moves_each_snapshot_once_by_all_of_its_updates() {
    let items = [
        update(by_id("g1"), 5, &[number("speed_kmh", 1.0)]),
        update(by_id("d1"), 60, &[number("speed_kmh", 2.0)]),
        update(by_id("g1"), 9, &[number("range_km", 3.0)]),
        update(by_id("d1"), 60, &[number("speed_kmh", 2.0)]),
        update(by_id("d2"), 60, &[number("speed_kmh", 2.0)]),
    ]
    .map(Item::Update);
    let before = Arc::new(Held {
        version: 7,
        ..Held::default()
    });
    let held = HeldByDevice::from([(device_id("g1"), before)]);
    let decision = decide_items(&items, &held, &gate());
    let moves: Vec<_> = decision
        .moves
        .iter()
        .map(|moved| {
            let updates = moved.updates.iter();
            (
                moved.device.id.as_str(),
                moved.replaces_version,
                moved.newest_observed_at,
                updates
                    .map(|update| (update.version, update.event_id.0.as_u128()))
                    .collect::<Vec<_>>(),
            )
        })
        .collect();
    let ago = |seconds| now() - TimeDelta::seconds(seconds);
    assert_eq!(
        moves,
        [
            ("d1", 0, ago(60), vec![(1, 2)]),
            ("g1", 7, ago(5), vec![(8, 1), (9, 3)])
        ]
    );
    assert_eq!(
        decision.moves[1].held.readings.newest_observed_at(),
        Some(ago(5))
    );
    assert!(decision.rejects_any(), "there is no device d2");
}

/// The origin of an item is the origin of its event.
#[test]
fn an_accepted_update_keeps_the_origin_of_its_item() {
    let item = Item::Update(update(by_id("d1"), 0, &[number("speed_kmh", 1.0)]));
    let origin = Origin {
        envelope_id: Some(EnvelopeId(Uuid::from_u128(3))),
        trace_id: Some("a trace"),
    };
    let item = BatchItem {
        position: 0,
        item: &item,
        origin,
    };
    let decision = decide_batch([item], &registry(&HashMap::new()), &gate(), || {
        EventId(Uuid::nil())
    });
    assert_eq!(decision.moves[0].updates[0].origin, origin);
}
