//! The table of design, section 5, as a whole: each row alone, each two rows that can hold at once, and
//! the instants at which a row begins to hold.

use std::sync::Arc;

use super::*;
use crate::ids::{CycleId, LeaseToken};
use crate::signals::{Reading, Readings};

/// What one update is judged by.
#[derive(Clone, Debug)]
struct Scene {
    item: Item,
    gate: Gate,
    held: Readings,
}

/// A reading of now that nothing is wrong with, of a device that holds an older one.
fn well() -> Scene {
    Scene {
        item: Item::Update(at(d1_as(Some("sim"), None))),
        gate: gate(),
        held: held(TimeDelta::seconds(-60), 5.0),
    }
}

/// What is held of `d1`, this long before or after now.
fn held(after_now: TimeDelta, speed: f64) -> Readings {
    let (signal, value) = number("speed_kmh", speed);
    let observed_at = now() + after_now;
    Readings::from_iter([(signal, Reading { value, observed_at })])
}

impl Scene {
    fn update(&mut self) -> &mut Update {
        match &mut self.item {
            Item::Update(update) => update,
            Item::Malformed { .. } => panic!("there is no update any more"),
        }
    }

    /// The reason of a refusal, else the outcome.
    fn word(&self) -> &'static str {
        let known = Held {
            version: 1,
            readings: self.held.clone(),
            drops: Drops::default(),
        };
        let mut held = HashMap::from([(device_id("d1"), Arc::new(known))]);
        let judged = judge_items([&self.item], &mut held, &self.gate).remove(0);
        reason(&judged).map_or(judged.verdict.word().as_str(), RejectReason::as_str)
    }
}

/// What makes a row of the table hold. Causes of one kind cannot hold at once: a device is unknown or
/// deactivated, a time unreadable or too far ahead.
struct Row {
    word: &'static str,
    kind: &'static str,
    cause: fn(&mut Scene),
}

const fn row(word: &'static str, kind: &'static str, cause: fn(&mut Scene)) -> Row {
    Row { word, kind, cause }
}

/// In the table's order. The whole batch's refusals, its first row, are a use case's:
/// `a_workspace_that_is_inactive_or_not_there_refuses_the_whole_batch`.
const TABLE: [Row; 13] = [
    row("not_owner", "owner", |scene| {
        scene.gate.cutover.poll_owner = PollOwner::Legacy;
        scene.gate.source = Source::Cycle {
            cycle_id: CycleId(Uuid::nil()),
            lease: LeaseToken(Uuid::nil()),
        };
    }),
    row("provider_not_allowed", "mode", |scene| {
        scene.gate.cutover.provider_mode = ProviderMode::LegacyProvider;
    }),
    // A connection that is not there has no type that the mode could be asked about.
    row("unknown_connection", "mode", |scene| {
        name_connection(scene.update(), "nowhere");
    }),
    row("connection_disabled", "connection", |scene| {
        name_connection(scene.update(), "off");
    }),
    // Both name a device that is there, and not the same one.
    row("identity_conflict", "device", |scene| {
        name_unit(scene.update(), "x2");
    }),
    row("unknown_device", "device", |scene| {
        name_device(scene.update(), "d2");
    }),
    row("inactive_device", "device", |scene| {
        name_device(scene.update(), "gone");
    }),
    row("invalid_timestamp", "time", |scene| {
        scene.update().observed_at = None;
    }),
    row("future_timestamp", "time", |scene| {
        scene.update().observed_at = Some(now() + TimeDelta::hours(1));
    }),
    row("no_valid_signals", "signals", |scene| {
        scene.update().signals.clear();
    }),
    row("duplicate", "held", |scene| {
        scene.held = held(TimeDelta::zero(), 10.0);
    }),
    row("stale", "held", |scene| {
        scene.held = held(TimeDelta::seconds(1), 10.0);
    }),
    row("accepted", "held", |_| {}),
];

fn name_connection(update: &mut Update, id: &str) {
    if let Address::Device { provider_id, .. } = &mut update.address {
        *provider_id = Some(super::provider_id(id));
    }
}

fn name_unit(update: &mut Update, name: &str) {
    if let Address::Device { external_id, .. } = &mut update.address {
        *external_id = Some(super::external_id(name));
    }
}

fn name_device(update: &mut Update, id: &str) {
    if let Address::Device { device_id, .. } = &mut update.address {
        *device_id = super::device_id(id);
    }
}

#[test]
fn each_row_alone_is_what_an_update_comes_to() {
    for row in &TABLE {
        let mut scene = well();
        (row.cause)(&mut scene);
        assert_eq!(scene.word(), row.word);
    }
}

#[test]
fn of_two_causes_the_earlier_row_counts() {
    let mut pairs = 0;
    for (at, earlier) in TABLE.iter().enumerate() {
        for later in TABLE[at + 1..]
            .iter()
            .filter(|later| later.kind != earlier.kind)
        {
            let mut scene = well();
            (later.cause)(&mut scene);
            (earlier.cause)(&mut scene);
            assert_eq!(scene.word(), earlier.word, "before {}", later.word);
            pairs += 1;
        }
    }
    assert_eq!(pairs, 70);
}

/// An item that is not of the shape is nothing else, whatever the flags say.
#[test]
fn the_shape_comes_before_every_other_row() {
    for row in &TABLE {
        let mut scene = well();
        (row.cause)(&mut scene);
        scene.item = Item::Malformed {
            pointer: "/signals".to_owned(),
            detail: "missing".to_owned(),
        };
        assert_eq!(scene.word(), "malformed", "before {}", row.word);
    }
}

#[test]
fn every_reason_has_its_row() {
    let rows = TABLE.iter().map(|row| row.word).chain(["malformed"]);
    let rows: std::collections::BTreeSet<&str> = rows.collect();
    // An update does not say what protocol it came by, and is no envelope.
    let of_envelopes = [
        RejectReason::ProviderTypeMismatch,
        RejectReason::UnknownEnvelope,
    ];
    let reasons = RejectReason::ALL.iter();
    let reasons = reasons
        .filter(|reason| !of_envelopes.contains(reason))
        .map(|reason| reason.as_str());
    let outcomes = OutcomeWord::ALL.iter().map(|outcome| outcome.as_str());
    for word in reasons.chain(outcomes).filter(|word| *word != "rejected") {
        assert!(rows.contains(word), "{word}");
    }
}

const MICROSECOND: TimeDelta = TimeDelta::microseconds(1);

/// The words one microsecond before an instant, at it, and one after.
fn around(instant: DateTime<Utc>, scene: &Scene) -> [&'static str; 3] {
    [-MICROSECOND, TimeDelta::zero(), MICROSECOND].map(|off| {
        let mut scene = scene.clone();
        scene.update().observed_at = Some(instant + off);
        scene.word()
    })
}

#[test]
fn a_row_begins_to_hold_at_its_microsecond() {
    let start_of_2015 = Utc
        .with_ymd_and_hms(2015, 1, 1, 0, 0, 0)
        .single()
        .expect("a time");
    let furthest = now() + TimeDelta::minutes(5);
    let nothing_held = Scene {
        held: Readings::empty(),
        ..well()
    };
    for (name, instant, scene, words) in [
        (
            "2015",
            start_of_2015,
            &nothing_held,
            ["invalid_timestamp", "accepted", "accepted"],
        ),
        (
            "five minutes ahead",
            furthest,
            &nothing_held,
            ["accepted", "accepted", "future_timestamp"],
        ),
        (
            "what is held, with the same value",
            now(),
            &Scene {
                held: held(TimeDelta::zero(), 10.0),
                ..well()
            },
            ["stale", "duplicate", "accepted"],
        ),
        (
            "what is held, with a lesser value",
            now(),
            &Scene {
                held: held(TimeDelta::zero(), 10.5),
                ..well()
            },
            ["stale", "stale", "accepted"],
        ),
        (
            "what is held, with a greater value",
            now(),
            &Scene {
                held: held(TimeDelta::zero(), 9.5),
                ..well()
            },
            ["stale", "accepted", "accepted"],
        ),
    ] {
        assert_eq!(around(instant, scene), words, "{name}");
    }
}

#[test]
fn how_far_ahead_a_clock_may_be_is_the_deployments_to_say() {
    let strict = Scene {
        gate: Gate {
            future_tolerance: TimeDelta::zero(),
            ..gate()
        },
        held: Readings::empty(),
        ..well()
    };
    assert_eq!(
        around(now(), &strict),
        ["accepted", "accepted", "future_timestamp"]
    );
}
