//! The decision table, a row a case.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, TimeZone, Utc};
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::acceptance::{Address, Source, Update};
use crate::fleet::{Cutover, Device, DeviceSpec, PollOwner, ProviderMode, ProviderType};
use crate::ids::{ActivationId, CycleId, DeviceId, ExternalId, LeaseToken, ProviderId, VehicleId};
use crate::signals::{DropReason, DroppedSignal, Reading, Readings, Signal, SignalValue};

mod decision_table;

fn now() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 23, 8, 0, 0)
        .single()
        .expect("a time")
}

fn device_id(id: &str) -> DeviceId {
    DeviceId::try_new(id).expect("a device id")
}

fn provider_id(id: &str) -> ProviderId {
    ProviderId::try_new(id).expect("a provider id")
}

fn external_id(id: &str) -> ExternalId {
    ExternalId::try_new(id).expect("an external id")
}

fn device(id: &str, connection: &str, name: &str, active: bool) -> Device {
    Device {
        id: device_id(id),
        spec: DeviceSpec {
            vehicle_id: VehicleId::try_new("bus-1").expect("a vehicle id"),
            provider_id: provider_id(connection),
            external_id: external_id(name),
        },
        active,
        configured_at: now(),
        activated_at: now(),
        activation_id: ActivationId(Uuid::nil()),
        version: 1,
    }
}

/// Connections `sim`, `geo` and `off` (disabled); `d1` and the deactivated `d0` both named `x1` at
/// `sim`, `gone` deactivated, `g1` at `geo`, `o1` at `off`.
fn registry() -> Registry {
    let mut registry = Registry::default();
    registry.add_connection(provider_id("sim"), ProviderType::DepotSim, true);
    registry.add_connection(provider_id("geo"), ProviderType::Geotab, true);
    registry.add_connection(provider_id("off"), ProviderType::DepotSim, false);
    registry.add_device(device("d1", "sim", "x1", true));
    registry.add_device(device("d0", "sim", "x1", false));
    registry.add_device(device("gone", "sim", "x9", false));
    registry.add_device(device("g1", "geo", "x1", true));
    registry.add_device(device("o1", "off", "x1", true));
    registry
}

fn gate() -> Gate {
    Gate {
        cutover: Cutover {
            poll_owner: PollOwner::Core,
            provider_mode: ProviderMode::Mixed,
            ..Cutover::default()
        },
        source: Source::Push,
        future_tolerance: TimeDelta::minutes(5),
        now: now(),
    }
}

fn number(name: &str, value: f64) -> (Signal, SignalValue) {
    (
        Signal::named(name).expect("a catalogue name"),
        SignalValue::Number(value),
    )
}

fn by_id(id: &str) -> Address {
    Address::Device {
        device_id: device_id(id),
        provider_id: None,
        external_id: None,
    }
}

fn by_name(connection: &str, name: &str) -> Address {
    Address::External {
        provider_id: provider_id(connection),
        external_id: external_id(name),
    }
}

fn update(address: Address, seconds_ago: i64, signals: &[(Signal, SignalValue)]) -> Update {
    Update {
        address,
        observed_at: Some(now() - TimeDelta::seconds(seconds_ago)),
        signals: signals.to_vec(),
        dropped: Vec::new(),
    }
}

fn judge_one(update: Update, gate: &Gate) -> Judged {
    decide_batch(
        &[Item::Update(update)],
        &registry(),
        &mut HashMap::new(),
        gate,
    )
    .remove(0)
}

fn reason(judged: &Judged) -> Option<RejectReason> {
    match &judged.verdict {
        Verdict::Rejected(rejection) => Some(rejection.reason),
        _ => None,
    }
}

/// A named update at a gate, and the refusal that it meets, if any.
type Case = (&'static str, Update, Gate, Option<RejectReason>);

fn assert_refusals(cases: impl IntoIterator<Item = Case>) {
    for (name, update, gate, expected) in cases {
        assert_eq!(reason(&judge_one(update, &gate)), expected, "{name}");
    }
}

/// A reading of now that nothing is wrong with.
fn at(address: Address) -> Update {
    update(address, 0, &[number("speed_kmh", 10.0)])
}

fn undated(address: Address) -> Update {
    Update {
        observed_at: None,
        ..at(address)
    }
}

/// `d1`, said to speak through this connection under this name.
fn d1_as(provider: Option<&str>, external: Option<&str>) -> Address {
    Address::Device {
        device_id: device_id("d1"),
        provider_id: provider.map(provider_id),
        external_id: external.map(external_id),
    }
}

fn real_providers_only() -> Gate {
    Gate {
        cutover: Cutover {
            provider_mode: ProviderMode::LegacyProvider,
            ..gate().cutover
        },
        ..gate()
    }
}

fn legacy_polls(source: Source) -> Gate {
    Gate {
        source,
        cutover: Cutover {
            poll_owner: PollOwner::Legacy,
            ..gate().cutover
        },
        ..gate()
    }
}

#[test]
fn the_flags_refuse_before_the_connection_does() {
    let cycle = Source::Cycle {
        cycle_id: CycleId(Uuid::nil()),
        lease: LeaseToken(Uuid::nil()),
    };
    assert_refusals([
        (
            "a poll's result while legacy polls",
            at(by_id("d1")),
            legacy_polls(cycle),
            Some(RejectReason::NotOwner),
        ),
        (
            "a push while legacy polls",
            at(by_id("d1")),
            legacy_polls(Source::Push),
            None,
        ),
        (
            "the simulator where only real ones speak",
            at(by_id("d1")),
            real_providers_only(),
            Some(RejectReason::ProviderNotAllowed),
        ),
        (
            "the mode is judged before enabled",
            at(by_name("off", "x1")),
            real_providers_only(),
            Some(RejectReason::ProviderNotAllowed),
        ),
        (
            "a real one where only real ones speak",
            at(by_id("g1")),
            real_providers_only(),
            None,
        ),
    ]);
}

#[test]
fn the_connection_refuses_before_the_device_does() {
    assert_refusals([
        (
            "no such connection",
            at(by_name("nowhere", "x1")),
            gate(),
            Some(RejectReason::UnknownConnection),
        ),
        (
            "no such connection beside a device",
            at(d1_as(Some("nowhere"), None)),
            gate(),
            Some(RejectReason::UnknownConnection),
        ),
        (
            "a disabled connection",
            at(by_name("off", "x1")),
            gate(),
            Some(RejectReason::ConnectionDisabled),
        ),
        (
            "a device of a disabled connection",
            at(by_id("o1")),
            gate(),
            Some(RejectReason::ConnectionDisabled),
        ),
        (
            "another connection than the device's",
            at(d1_as(Some("geo"), None)),
            gate(),
            Some(RejectReason::IdentityConflict),
        ),
        (
            "another name than the device's",
            at(d1_as(Some("sim"), Some("x2"))),
            gate(),
            Some(RejectReason::IdentityConflict),
        ),
        (
            "agreeing names",
            at(d1_as(Some("sim"), Some("x1"))),
            gate(),
            None,
        ),
    ]);
}

#[test]
fn the_device_refuses_before_the_reading_does() {
    assert_refusals([
        (
            "no such device",
            at(by_id("d2")),
            gate(),
            Some(RejectReason::UnknownDevice),
        ),
        (
            "no such name",
            at(by_name("sim", "x2")),
            gate(),
            Some(RejectReason::UnknownDevice),
        ),
        (
            "identity before time",
            undated(by_id("d2")),
            gate(),
            Some(RejectReason::UnknownDevice),
        ),
        (
            "deactivated",
            at(by_id("gone")),
            gate(),
            Some(RejectReason::InactiveDevice),
        ),
        (
            "deactivated, by name",
            at(by_name("sim", "x9")),
            gate(),
            Some(RejectReason::InactiveDevice),
        ),
        (
            "a name that a deactivated device shares",
            at(by_name("sim", "x1")),
            gate(),
            None,
        ),
    ]);
}

#[test]
fn the_time_refuses_before_the_signals_do() {
    assert_refusals([
        (
            "no time",
            undated(by_id("d1")),
            gate(),
            Some(RejectReason::InvalidTimestamp),
        ),
        (
            "no signal",
            update(by_id("d1"), 0, &[]),
            gate(),
            Some(RejectReason::NoValidSignals),
        ),
        (
            "time before signals",
            Update {
                signals: vec![],
                ..undated(by_id("d1"))
            },
            gate(),
            Some(RejectReason::InvalidTimestamp),
        ),
    ]);
}

#[test]
fn a_refusal_for_want_of_signals_names_them() {
    let dropped = vec![DroppedSignal {
        signal: "speed_kmh".into(),
        reason: DropReason::OutOfRange,
    }];
    let judged = judge_one(
        Update {
            dropped,
            ..update(by_id("d1"), 0, &[])
        },
        &gate(),
    );
    let Verdict::Rejected(rejection) = judged.verdict else {
        panic!("{judged:?}")
    };
    assert_eq!(rejection.detail, "no signal is valid: speed_kmh");
}

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

fn readings_of(held: &HashMap<DeviceId, Arc<Held>>) -> BTreeMap<&DeviceId, &Readings> {
    held.iter()
        .map(|(device, held)| (device, &held.readings))
        .collect()
}

fn any_update() -> impl Strategy<Value = Item> {
    let signal = prop_oneof![
        (0_u8..3).prop_map(|n| number("speed_kmh", f64::from(n))),
        (0_u8..3).prop_map(|n| number("range_km", f64::from(n))),
    ];
    let address = prop_oneof![
        Just(by_id("d1")),
        Just(by_name("sim", "x1")),
        Just(by_id("g1"))
    ];
    (address, 0_i64..5, signal.clone(), prop::option::of(signal)).prop_map(
        |(address, ago, first, second)| {
            let mut signals = vec![first];
            signals.extend(second.filter(|second| second.0 != first.0));
            Item::Update(update(address, ago, &signals))
        },
    )
}

proptest! {
    #[test]
    fn any_order_repetition_and_batching_ends_the_same(
        (items, shuffled) in prop::collection::vec(any_update(), 1..30)
            .prop_flat_map(|items| (Just(items.clone()), Just(items).prop_shuffle())),
        cut in 0_usize..30,
    ) {
        let registry = registry();
        let (mut one_batch, mut many) = (HashMap::new(), HashMap::new());
        decide_batch(&items, &registry, &mut one_batch, &gate());
        let (head, tail) = shuffled.split_at(cut.min(shuffled.len()));
        for part in [head, tail, head] {
            decide_batch(part, &registry, &mut many, &gate());
        }
        prop_assert_eq!(readings_of(&one_batch), readings_of(&many));
    }

    #[test]
    fn an_update_is_accepted_if_and_only_if_the_snapshot_moves(items in prop::collection::vec(any_update(), 1..30)) {
        let registry = registry();
        let mut held = HashMap::new();
        for item in &items {
            let before = held.clone();
            let judged = decide_batch([item], &registry, &mut held, &gate()).remove(0);
            let id = judged.device_id.expect("every generated update is admitted");
            let moved = before.get(&id).cloned().unwrap_or_default().readings != held[&id].readings;
            prop_assert_eq!(moved, judged.verdict.word() == OutcomeWord::Accepted);
        }
    }
}
