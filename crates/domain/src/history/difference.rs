//! Differences between a stored snapshot and the snapshot that its history adds up to.

use serde::Serialize;
use serde_json::{Value, json};

use super::Snapshot;
use crate::TimeText;
use crate::signals::{Reading, Signal};

/// A member of a snapshot whose stored and rebuilt values differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The name of the member: `version`, `last_update_received_at`, `newest_observed_at`, `signals.<name>`
    /// or `dropped.<name>`.
    pub member: String,
    /// The stored value; null if the snapshot lacks the member.
    pub stored: Value,
    /// The rebuilt value; null if the history lacks the member.
    pub rebuilt: Value,
}

/// Returns every member that differs, signals in the catalogue's order.
pub fn differences(stored: &Snapshot, rebuilt: &Snapshot) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut compare = |member: String, stored: Value, rebuilt: Value| {
        if stored != rebuilt {
            found.push(Difference {
                member,
                stored,
                rebuilt,
            });
        }
    };
    compare(
        "version".to_owned(),
        json!(stored.held.version),
        json!(rebuilt.held.version),
    );
    for (member, of) in [
        (
            "last_update_received_at",
            (|snapshot: &Snapshot| snapshot.last_update_received_at) as fn(&Snapshot) -> _,
        ),
        ("newest_observed_at", |snapshot| snapshot.newest_observed_at),
    ] {
        let text = |snapshot| json!(of(snapshot).map(TimeText));
        compare(member.to_owned(), text(stored), text(rebuilt));
    }
    for signal in Signal::all() {
        let reading = |snapshot: &Snapshot| render_reading(snapshot.held.readings.get(signal));
        compare(
            format!("signals.{}", signal.name()),
            reading(stored),
            reading(rebuilt),
        );
        let dropped = |snapshot: &Snapshot| json!(snapshot.held.drops.get(signal));
        compare(
            format!("dropped.{}", signal.name()),
            dropped(stored),
            dropped(rebuilt),
        );
    }
    found
}

fn render_reading(reading: Option<&Reading>) -> Value {
    reading.map_or(
        Value::Null,
        |reading| json!({"value": reading.value, "observed_at": TimeText(reading.observed_at)}),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::acceptance::Held;
    use crate::signals::{Readings, SignalValue};
    use chrono::DateTime;

    fn snapshot(speed: f64) -> Snapshot {
        let reading = Reading {
            value: SignalValue::Number(speed),
            observed_at: DateTime::UNIX_EPOCH,
        };
        Snapshot {
            held: Held {
                version: 1,
                readings: Readings::from_iter([(
                    Signal::named("speed_kmh").expect("a signal"),
                    reading,
                )]),
                ..Held::default()
            },
            last_update_received_at: Some(DateTime::UNIX_EPOCH),
            newest_observed_at: Some(DateTime::UNIX_EPOCH),
        }
    }

    #[test]
    fn only_what_differs_is_told() {
        assert_eq!(differences(&snapshot(3.0), &snapshot(3.0)), []);
        let found = differences(&snapshot(3.0), &snapshot(4.0));
        assert_eq!(
            json!(found),
            json!([{"member": "signals.speed_kmh",
                    "stored": {"value": 3.0, "observed_at": "1970-01-01T00:00:00Z"},
                    "rebuilt": {"value": 4.0, "observed_at": "1970-01-01T00:00:00Z"}}])
        );
        let members: Vec<String> = differences(&Snapshot::default(), &snapshot(3.0))
            .into_iter()
            .map(|difference| difference.member)
            .collect();
        assert_eq!(
            members,
            [
                "version",
                "last_update_received_at",
                "newest_observed_at",
                "signals.speed_kmh"
            ]
        );
    }
}
