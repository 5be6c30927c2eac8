//! The rules of acceptance, case by case: `refusals` and `batch` by example, `decision_table` as a whole. The
//! laws that hold for every history are in `tests/join_law.rs` of this crate.

mod batch;
mod decision_table;
mod refusals;

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, TimeZone, Utc};
use uuid::Uuid;

use super::*;
use crate::fleet::{Cutover, Device, DeviceSpec, PollOwner, ProviderMode, ProviderType};
use crate::ids::{ActivationId, DeviceId, EventId, ExternalId, ProviderId, VehicleId};
use crate::signals::{Signal, SignalValue};

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
fn registry(held: &HeldByDevice) -> Registry {
    let mut registry = Registry::default();
    registry.add_connection(provider_id("sim"), ProviderType::DepotSim, true);
    registry.add_connection(provider_id("geo"), ProviderType::Geotab, true);
    registry.add_connection(provider_id("off"), ProviderType::DepotSim, false);
    for device in [
        device("d1", "sim", "x1", true),
        device("d0", "sim", "x1", false),
        device("gone", "sim", "x9", false),
        device("g1", "geo", "x1", true),
        device("o1", "off", "x1", true),
    ] {
        registry.add_device(KnownDevice {
            held: held.get(&device.id).cloned().unwrap_or_default(),
            device: Arc::new(device),
        });
    }
    registry
}

/// The snapshots that a test keeps from one batch to the next.
type HeldByDevice = HashMap<DeviceId, Arc<Held>>;

/// Judges items against `held`, with event ids that count from 1.
fn decide_items<'i>(
    items: impl IntoIterator<Item = &'i Item>,
    held: &HeldByDevice,
    gate: &Gate,
) -> Decision<'i> {
    let items = items.into_iter().enumerate();
    let items = items.map(|(position, item)| BatchItem {
        position,
        item,
        origin: Origin::default(),
    });
    let mut minted = 0;
    decide_batch(items, &registry(held), gate, || {
        minted += 1;
        EventId(Uuid::from_u128(minted))
    })
}

/// Judges items, and moves `held` by what is accepted.
fn judge_items<'i>(
    items: impl IntoIterator<Item = &'i Item>,
    held: &mut HeldByDevice,
    gate: &Gate,
) -> Vec<Judged> {
    let decision = decide_items(items, held, gate);
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
    judge_items(&[Item::Update(update)], &mut HeldByDevice::new(), gate).remove(0)
}

fn reason(judged: &Judged) -> Option<RejectReason> {
    match &judged.verdict {
        Verdict::Rejected(rejection) => Some(rejection.reason),
        _ => None,
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
