//! A batch: each item is judged by what the ones before it left.

use super::*;
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
    let words: Vec<_> = decide_batch(&items, &registry(), &mut held, &gate())
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
    let judged = decide_batch(&items, &registry(), &mut held, &gate());
    let reading = Reading {
        value: soc.1,
        observed_at: now() - TimeDelta::seconds(61),
    };
    assert_eq!(
        judged[1].verdict,
        Verdict::Accepted {
            newer: Readings::from_iter([(soc.0, reading)]),
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
    let judged = decide_batch(&items, &registry(), &mut HashMap::new(), &gate());
    assert_eq!(reason(&judged[0]), Some(RejectReason::Malformed));
    assert_eq!(judged[1].verdict.word(), OutcomeWord::Accepted);
}
