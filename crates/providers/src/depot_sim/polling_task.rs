//! From the wire to updates: readings of one vehicle that share a time are one update.

use std::collections::BTreeMap;

use chrono::{DateTime, SubsecRound, Utc};
use domain::acceptance::{Address, Item, Update};
use domain::ids::{ExternalId, ProviderId};
use domain::polling::FeedCursor;
use domain::signals::{DropReason, DroppedSignal, Signal, SignalValue};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::Client;
use crate::{Answer, FeedPosition, Polled};

#[derive(Deserialize)]
struct Vehicle {
    id: String,
    signals: Vec<Reading>,
}

#[derive(Deserialize)]
struct Reading {
    name: String,
    value: Box<RawValue>,
    time: String,
}

/// Asks for all vehicles of the account.
pub(crate) async fn poll(client: &Client<'_>, provider_id: &ProviderId) -> Answer {
    match client.pages().await {
        Err(failed) => Answer::failed(failed),
        Ok((pages, attempts)) => {
            let vehicles = pages.iter().flat_map(|page| &page.vehicles);
            Answer {
                result: Ok(polled(vehicles, provider_id)),
                attempts,
            }
        }
    }
}

/// Asks for what has changed since a cursor, or for everything.
pub(crate) async fn poll_changes(
    client: &Client<'_>,
    provider_id: &ProviderId,
    from: Option<&FeedCursor>,
) -> Answer {
    match client.changes(from).await {
        Err(failed) => Answer::failed(failed),
        Ok(changes) => Answer {
            result: Ok(Polled {
                position: Some(FeedPosition {
                    cursor: changes.cursor,
                    reach: changes.reach,
                }),
                ..polled(&changes.vehicles, provider_id)
            }),
            attempts: changes.attempts,
        },
    }
}

fn polled<'v>(
    vehicles: impl IntoIterator<Item = &'v Box<RawValue>>,
    provider_id: &ProviderId,
) -> Polled {
    let mut polled = Polled::default();
    for vehicle in vehicles {
        interpret(vehicle, provider_id, &mut polled);
    }
    polled
}

/// Reads one vehicle; what cannot be read is an item of its own.
fn interpret(json: &RawValue, provider_id: &ProviderId, polled: &mut Polled) {
    let malformed = |detail: String| Item::Malformed {
        pointer: String::new(),
        detail,
    };
    let vehicle: Vehicle = match serde_json::from_str(json.get()) {
        Ok(vehicle) => vehicle,
        Err(_) => {
            return polled
                .items
                .push(malformed("a vehicle is not of the protocol's shape".into()));
        }
    };
    let external_id = match ExternalId::try_new(&vehicle.id) {
        Ok(external_id) => external_id,
        Err(invalid) => {
            return polled
                .items
                .push(malformed(format!("a vehicle's id {invalid}")));
        }
    };
    let address = Address::External {
        provider_id: provider_id.clone(),
        external_id: external_id.clone(),
    };
    polled
        .items
        .extend(updates(vehicle.signals, &address).map(Item::Update));
    polled.returned.insert(external_id);
}

/// One update a time, oldest first; readings without a readable time are one more.
fn updates(readings: Vec<Reading>, address: &Address) -> impl Iterator<Item = Update> {
    let mut by_time: BTreeMap<Option<DateTime<Utc>>, Update> = BTreeMap::new();
    for reading in readings {
        let time = DateTime::parse_from_rfc3339(&reading.time)
            .ok()
            .map(|time| time.to_utc().trunc_subsecs(6));
        let update = by_time.entry(time).or_insert_with(|| Update {
            address: address.clone(),
            observed_at: time,
            signals: Vec::new(),
            dropped: Vec::new(),
        });
        let value = match Signal::named(&reading.name) {
            None => Err(DropReason::UnknownSignal),
            Some(signal) => {
                read(signal, &reading.value).map(|value| value.map(|value| (signal, value)))
            }
        };
        match value {
            Ok(Some((signal, value)))
                if update.signals.iter().all(|(named, _)| *named != signal) =>
            {
                update.signals.push((signal, value));
            }
            Ok(_) => {}
            Err(reason) => update.dropped.push(DroppedSignal {
                signal: reading.name.chars().take(64).collect(),
                reason,
            }),
        }
    }
    by_time.into_values()
}

/// A battery that reports a hair above full is full.
fn read(signal: Signal, json: &RawValue) -> Result<Option<SignalValue>, DropReason> {
    if signal.name() == "state_of_charge_percent"
        && let Ok(percent) = json.get().parse::<f64>()
        && percent > 100.0
        && percent <= 100.5
    {
        return SignalValue::number(signal, 100.0).map(Some);
    }
    SignalValue::read(signal, json)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interpreted(vehicle: &serde_json::Value) -> Polled {
        let json = RawValue::from_string(vehicle.to_string()).expect("JSON");
        let mut polled = Polled::default();
        interpret(
            &json,
            &ProviderId::try_new("sim").expect("an id"),
            &mut polled,
        );
        polled
    }

    fn updates_of(polled: &Polled) -> Vec<&Update> {
        polled
            .items
            .iter()
            .map(|item| match item {
                Item::Update(update) => update,
                Item::Malformed { detail, .. } => panic!("{detail}"),
            })
            .collect()
    }

    #[test]
    fn readings_of_one_time_are_one_update_and_the_oldest_comes_first() {
        let polled = interpreted(
            &serde_json::json!({"id": "bus 1", "brand": "new member", "signals": [
                {"name": "speed_kmh", "value": 31, "time": "2026-11-23T09:00:10.0000009+01:00"},
                {"name": "range_km", "value": 120, "time": "2026-11-23T08:00:00Z"},
                {"name": "odometer_km", "value": 7.5, "time": "2026-11-23T08:00:10Z"},
                {"name": "warp", "value": 9, "time": "2026-11-23T08:00:10Z"},
                {"name": "state_of_charge_percent", "value": 100.4, "time": "2026-11-23T08:00:10Z"},
            ]}),
        );
        let updates = updates_of(&polled);
        assert_eq!(updates.len(), 2);
        assert_eq!(updates[0].signals.len(), 1);
        let names: Vec<_> = updates[1]
            .signals
            .iter()
            .map(|(signal, _)| signal.name())
            .collect();
        assert_eq!(
            names,
            ["speed_kmh", "odometer_km", "state_of_charge_percent"]
        );
        assert_eq!(updates[1].signals[2].1, SignalValue::Number(100.0));
        assert_eq!(
            updates[1].dropped,
            [DroppedSignal {
                signal: "warp".into(),
                reason: DropReason::UnknownSignal
            }]
        );
        assert!(polled.returned.iter().any(|id| id.as_str() == "bus 1"));
    }

    #[test]
    fn a_vehicle_without_signals_is_returned_and_brings_nothing() {
        let polled = interpreted(&serde_json::json!({"id": "bus-1", "signals": []}));
        assert!(polled.items.is_empty());
        assert_eq!(polled.returned.len(), 1);
    }

    #[test]
    fn a_reading_without_a_readable_time_is_left_for_acceptance_to_refuse() {
        let polled = interpreted(
            &serde_json::json!({"id": "bus-1", "signals": [{"name": "speed_kmh", "value": 3, "time": "08:00"}]}),
        );
        assert_eq!(updates_of(&polled)[0].observed_at, None);
    }

    #[test]
    fn what_is_no_vehicle_is_malformed() {
        for vehicle in [
            serde_json::json!(null),
            serde_json::json!({"id": 7, "signals": []}),
            serde_json::json!({"id": "\n", "signals": []}),
        ] {
            assert!(matches!(
                interpreted(&vehicle).items[..],
                [Item::Malformed { .. }]
            ));
        }
    }
}
