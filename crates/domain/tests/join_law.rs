//! The law of acceptance over generated histories: what is held is the last of all accepted readings of
//! each signal, whatever their order, repetition and batching, and the accepted updates add up to it.
//!
//! What must be held is found by sorting, and shares nothing with the product's own join. The same law
//! on a database, through every entrance, is in `application/tests/stories/acceptance_laws.rs`.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use domain::acceptance::{
    Address, BatchItem, Gate, Held, Item, Judged, KnownDevice, Origin, Registry, Source, Update,
    Verdict, decide_batch,
};
use domain::fleet::{Cutover, Device, DeviceSpec, PollOwner, ProviderMode, ProviderType};
use domain::ids::{ActivationId, DeviceId, EventId, ExternalId, ProviderId, VehicleId};
use domain::signals::{Reading, Readings, Signal, SignalValue, join_order};
use proptest::prelude::*;
use proptest::sample::Index;
use uuid::Uuid;

const DEVICES: [&str; 2] = ["bus-1", "bus-2"];
/// How far ahead of core's clock a reading may be.
const TOLERANCE_SECONDS: i64 = 300;

/// A value in its order: numbers as numbers, false before true, texts by bytes, positions by latitude,
/// then longitude. A signal has values of one kind only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Value {
    Number(i32),
    Flag(bool),
    Word(&'static str),
    Position(i32, i32),
}

impl Value {
    fn of(value: SignalValue) -> Self {
        #[expect(clippy::cast_possible_truncation, reason = "generated from integers")]
        match value {
            SignalValue::Number(number) => Self::Number(number as i32),
            SignalValue::Flag(flag) => Self::Flag(flag),
            SignalValue::Word(word) => Self::Word(word),
            SignalValue::Position {
                latitude_deg,
                longitude_deg,
            } => Self::Position(latitude_deg as i32, longitude_deg as i32),
        }
    }

    fn into_signal_value(self) -> SignalValue {
        match self {
            Self::Number(number) => SignalValue::Number(f64::from(number)),
            Self::Flag(flag) => SignalValue::Flag(flag),
            Self::Word(word) => SignalValue::Word(word),
            Self::Position(latitude, longitude) => SignalValue::Position {
                latitude_deg: f64::from(latitude),
                longitude_deg: f64::from(longitude),
            },
        }
    }
}

/// What a provider says of a device at one time. Few times and few values: much is said twice, and at
/// the same time otherwise.
#[derive(Clone, Debug)]
struct Message {
    device: usize,
    by_external_id: bool,
    /// After core's clock; negative is before it.
    second: i64,
    signals: BTreeMap<&'static str, Value>,
}

/// By device and signal: the second and the value of a reading.
type Last = BTreeMap<(&'static str, &'static str), (i64, Value)>;

/// Sorts all readings of each device and signal by time, then value, and takes the last.
fn last_of_each(readings: impl Iterator<Item = (&'static str, &'static str, i64, Value)>) -> Last {
    let mut sorted: Vec<_> = readings.collect();
    sorted.sort();
    // The last of equal keys is kept.
    sorted
        .into_iter()
        .map(|(device, signal, second, value)| ((device, signal), (second, value)))
        .collect()
}

/// What must be held after a history: readings too far ahead of core's clock are refused.
fn expected(history: &[Message]) -> Last {
    let accepted = history
        .iter()
        .filter(|message| message.second <= TOLERANCE_SECONDS);
    last_of_each(accepted.flat_map(|message| {
        message
            .signals
            .iter()
            .map(|(signal, value)| (DEVICES[message.device], *signal, message.second, *value))
    }))
}

fn any_value() -> impl Strategy<Value = (&'static str, Value)> {
    let words = prop::sample::select(&["charging", "complete", "error", "not_charging"][..]);
    prop_oneof![
        (-2_i32..3).prop_map(|kw| ("battery_power_kw", Value::Number(kw))),
        (8_i32..12).prop_map(|kmh| ("speed_kmh", Value::Number(kmh))),
        any::<bool>().prop_map(|flag| ("plugged_in", Value::Flag(flag))),
        words.prop_map(|word| ("charging_state", Value::Word(word))),
        (-2_i32..3, 1_i32..4)
            .prop_map(|(latitude, longitude)| ("position", Value::Position(latitude, longitude))),
    ]
}

fn any_message() -> impl Strategy<Value = Message> {
    let second = prop_oneof![
        9 => -3_i64..3,
        1 => TOLERANCE_SECONDS - 1..TOLERANCE_SECONDS + 3,
    ];
    let signals = prop::collection::vec(any_value(), 1..5);
    (0..DEVICES.len(), any::<bool>(), second, signals).prop_map(
        |(device, by_external_id, second, signals)| Message {
            device,
            by_external_id,
            second,
            signals: signals.into_iter().collect(),
        },
    )
}

/// A history, and how it arrives: all of it at least once, some of it again, in any order, cut into
/// batches anyhow.
fn any_history() -> impl Strategy<Value = (Vec<Message>, Vec<Vec<Message>>)> {
    prop::collection::vec(any_message(), 1..40)
        .prop_flat_map(|history| {
            let again = prop::collection::vec(any::<Index>(), 0..20);
            (Just(history), again)
        })
        .prop_flat_map(|(history, again)| {
            let mut all = history.clone();
            all.extend(again.iter().map(|at| at.get(&history).clone()));
            let sizes = prop::collection::vec(1_usize..9, all.len());
            (Just(history), Just(all).prop_shuffle(), sizes)
        })
        .prop_map(|(history, mut all, sizes)| {
            let mut batches = Vec::new();
            for size in sizes {
                let rest = all.split_off(size.min(all.len()));
                batches.push(std::mem::replace(&mut all, rest));
            }
            (history, batches)
        })
}

fn now() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_000)
}

fn provider(id: &str) -> ProviderId {
    ProviderId::try_new(id).expect("a provider id")
}

fn device_id(id: &str) -> DeviceId {
    DeviceId::try_new(id).expect("a device id")
}

fn external_id(device: &str) -> ExternalId {
    ExternalId::try_new(&format!("{device}-unit")).expect("an external id")
}

fn registry(held: &HeldByDevice) -> Registry {
    let mut registry = Registry::default();
    registry.add_connection(provider("sim"), ProviderType::DepotSim, true);
    for id in DEVICES {
        let device = Device {
            id: device_id(id),
            spec: DeviceSpec {
                vehicle_id: VehicleId::try_new(id).expect("a vehicle id"),
                provider_id: provider("sim"),
                external_id: external_id(id),
            },
            active: true,
            configured_at: now(),
            activated_at: now(),
            activation_id: ActivationId(Uuid::nil()),
            version: 1,
        };
        registry.add_device(KnownDevice {
            held: held.get(&device.id).cloned().unwrap_or_default(),
            device: Arc::new(device),
        });
    }
    registry
}

/// Judges items against what is held, and moves it by what is accepted.
fn judge<'i>(items: impl IntoIterator<Item = &'i Item>, held: &mut HeldByDevice) -> Vec<Judged> {
    let items = items.into_iter().enumerate();
    let items = items.map(|(position, item)| BatchItem {
        position,
        item,
        origin: Origin::default(),
    });
    let decision = decide_batch(items, &registry(held), &gate(), || EventId(Uuid::nil()));
    for moved in decision.moves {
        held.insert(moved.device.id.clone(), moved.held);
    }
    decision.items.into_iter().map(|one| one.judged).collect()
}

fn gate() -> Gate {
    Gate {
        cutover: Cutover {
            poll_owner: PollOwner::Core,
            provider_mode: ProviderMode::Mixed,
            ..Cutover::default()
        },
        source: Source::Push,
        future_tolerance: TimeDelta::seconds(TOLERANCE_SECONDS),
        now: now(),
    }
}

fn item(message: &Message) -> Item {
    let device = DEVICES[message.device];
    let address = if message.by_external_id {
        Address::External {
            provider_id: provider("sim"),
            external_id: external_id(device),
        }
    } else {
        Address::Device {
            device_id: device_id(device),
            provider_id: None,
            external_id: None,
        }
    };
    let signals = message.signals.iter();
    Item::Update(Update {
        address,
        observed_at: Some(now() + TimeDelta::seconds(message.second)),
        signals: signals
            .map(|(name, value)| (signal(name), value.into_signal_value()))
            .collect(),
        dropped: Vec::new(),
    })
}

fn signal(name: &str) -> Signal {
    Signal::named(name).expect("a signal of the catalogue")
}

/// The readings of a device as the oracle writes them.
fn readings_of<'r>(
    device: &DeviceId,
    readings: &'r Readings,
) -> impl Iterator<Item = (&'static str, &'static str, i64, Value)> + use<'r> {
    let device = DEVICES.into_iter().find(|id| *id == device.as_str());
    let device = device.expect("a device of these histories");
    readings.iter().map(move |(signal, reading)| {
        let second = (reading.observed_at - now()).num_seconds();
        (device, signal.name(), second, Value::of(reading.value))
    })
}

type HeldByDevice = HashMap<DeviceId, Arc<Held>>;

fn all_held(held: &HeldByDevice) -> Last {
    last_of_each(
        held.iter()
            .flat_map(|(device, held)| readings_of(device, &held.readings)),
    )
}

fn accepted(judged: &[Judged]) -> impl Iterator<Item = (&DeviceId, &Readings)> {
    judged.iter().filter_map(|judged| match &judged.verdict {
        Verdict::Accepted { newer, .. } => Some((judged.device_id.as_ref()?, &**newer)),
        _ => None,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn the_held_signals_are_the_last_of_all_accepted_readings((history, batches) in any_history()) {
        let mut held = HeldByDevice::new();
        let mut judged = Vec::new();
        for batch in &batches {
            let items: Vec<Item> = batch.iter().map(item).collect();
            judged.extend(judge(&items, &mut held));
        }
        prop_assert_eq!(all_held(&held), expected(&history));

        let replayed = last_of_each(
            accepted(&judged).flat_map(|(device, newer)| readings_of(device, newer)),
        );
        prop_assert_eq!(&replayed, &expected(&history), "the accepted updates rebuild it");
        for (device, held) in &held {
            let accepted = accepted(&judged).filter(|(id, _)| *id == device).count();
            prop_assert_eq!(i64::try_from(accepted), Ok(held.version), "{}", device);
        }
    }

    #[test]
    fn an_update_is_accepted_if_and_only_if_the_snapshot_moves(history in prop::collection::vec(any_message(), 1..30)) {
        let mut held = HeldByDevice::new();
        for message in &history {
            let before = all_held(&held);
            let judged = judge([&item(message)], &mut held);
            let is_accepted = accepted(&judged).count() == 1;
            prop_assert_eq!(before != all_held(&held), is_accepted, "{:?}", message);
        }
    }

    #[test]
    fn readings_of_several_connections_are_ordered_by_time_value_and_provider(
        value in any_value(),
        other in any_value(),
        seconds in (0_i64..3, 0_i64..3),
        providers in (prop::sample::select(&["geo", "sim"][..]), prop::sample::select(&["geo", "sim"][..])),
    ) {
        // Only values of one signal are ever compared.
        let other = if other.0 == value.0 { other.1 } else { value.1 };
        let reading = |second, value: Value| Reading {
            value: value.into_signal_value(),
            observed_at: now() + TimeDelta::seconds(second),
        };
        let order = join_order(
            (&reading(seconds.0, value.1), &provider(providers.0)),
            (&reading(seconds.1, other), &provider(providers.1)),
        );
        let expected: Ordering = (seconds.0, value.1, providers.0).cmp(&(seconds.1, other, providers.1));
        prop_assert_eq!(order, expected);
    }
}
