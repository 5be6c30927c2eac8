//! The decision table for updates: one row is one step, in the order of the table.

use std::cmp::Ordering;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::{Address, KnownDevice, Registry, RejectReason, Rejection, Source, Update, Verdict};
use crate::fleet::{Cutover, ProviderMode, ProviderType};
use crate::ids::ProviderId;
use crate::signals::{Reading, Readings};

/// The facts that an update is judged by, besides the registry and the held readings.
#[derive(Clone, Copy, Debug)]
pub struct Gate {
    /// The workspace's flags at the instant at which the decision commits.
    pub cutover: Cutover,
    /// The source of the batch.
    pub source: Source,
    /// The span by which a provider's clock may be ahead of `now`.
    pub future_tolerance: TimeDelta,
    /// The time on core's clock.
    pub now: DateTime<Utc>,
}

impl Gate {
    /// The earliest credible time of an observation: times before 2015 come from clocks that were never set.
    const EARLIEST: DateTime<Utc> = match DateTime::from_timestamp(1_420_070_400, 0) {
        Some(start_of_2015) => start_of_2015,
        None => DateTime::UNIX_EPOCH,
    };
}

/// Finds the device that an update names, if the flags and the registry let it speak.
///
/// # Errors
/// The rejection of the first row of the table that refuses the update.
pub(super) fn admit<'r>(
    update: &Update,
    registry: &'r Registry,
    gate: &Gate,
) -> Result<&'r KnownDevice, Rejection> {
    if matches!(gate.source, Source::Cycle { .. }) && !gate.cutover.poll_owner.core_polls() {
        return Err(reject(RejectReason::NotOwner, || {
            "the legacy service owns this workspace's polls".to_owned()
        }));
    }
    let (known, named_connection) = match &update.address {
        Address::Device {
            device_id,
            provider_id,
            ..
        } => (registry.device(device_id), provider_id.as_ref()),
        Address::External {
            provider_id,
            external_id,
        } => (
            registry.device_at(provider_id, external_id),
            Some(provider_id),
        ),
    };
    if let Some(provider_id) =
        named_connection.or_else(|| known.map(|known| &known.device.spec.provider_id))
    {
        admit_connection(provider_id, None, registry, gate.cutover.provider_mode)?;
    }
    let Some(known) = known else {
        return Err(reject(RejectReason::UnknownDevice, || {
            match &update.address {
                Address::Device { device_id, .. } => {
                    format!("the workspace has no device {device_id}")
                }
                Address::External {
                    provider_id,
                    external_id,
                } => {
                    format!(
                        "no active device of connection {provider_id} has the external id {external_id}"
                    )
                }
            }
        }));
    };
    let device = &known.device;
    if let Address::Device {
        provider_id,
        external_id,
        ..
    } = &update.address
    {
        let agrees = provider_id
            .as_ref()
            .is_none_or(|named| *named == device.spec.provider_id)
            && external_id
                .as_ref()
                .is_none_or(|named| *named == device.spec.external_id);
        if !agrees {
            return Err(reject(RejectReason::IdentityConflict, || {
                format!(
                    "device {} is {} at connection {}",
                    device.id, device.spec.external_id, device.spec.provider_id
                )
            }));
        }
    }
    if device.active {
        Ok(known)
    } else {
        Err(reject(RejectReason::InactiveDevice, || {
            format!("device {} was deactivated", device.id)
        }))
    }
}

/// Checks that a connection may speak at all, by the flags and the registry. `claimed` is the protocol that a
/// raw message is said to have; updates do not claim one.
///
/// # Errors
/// The rejection of the first row of the table that refuses the connection.
pub fn admit_connection(
    provider_id: &ProviderId,
    claimed: Option<ProviderType>,
    registry: &Registry,
    mode: ProviderMode,
) -> Result<(), Rejection> {
    let connection = registry.connection(provider_id);
    let speaks = claimed.or(connection.map(|(provider_type, _)| provider_type));
    if let Some(provider_type) = speaks.filter(|provider_type| !mode.allows(*provider_type)) {
        return Err(reject(RejectReason::ProviderNotAllowed, || {
            format!("provider mode {mode} does not admit {provider_type}")
        }));
    }
    match connection {
        None => Err(reject(RejectReason::UnknownConnection, || {
            format!("the workspace has no connection {provider_id}")
        })),
        Some((_, false)) => Err(reject(RejectReason::ConnectionDisabled, || {
            format!("connection {provider_id} is disabled")
        })),
        Some((provider_type, true)) if claimed.is_some_and(|claimed| claimed != provider_type) => {
            Err(reject(RejectReason::ProviderTypeMismatch, || {
                format!("connection {provider_id} is of type {provider_type}")
            }))
        }
        Some((_, true)) => Ok(()),
    }
}

/// Judges an admitted update against the held readings of its device.
pub fn decide(update: &Update, held: &Readings, gate: &Gate) -> Verdict {
    let observed_at = match update.observed_at {
        Some(time) if time >= Gate::EARLIEST => time,
        _ => {
            return Verdict::Rejected(reject(RejectReason::InvalidTimestamp, || {
                "observed_at must be an RFC 3339 time with an offset, not before 2015".to_owned()
            }));
        }
    };
    if observed_at > gate.now + gate.future_tolerance {
        return Verdict::Rejected(reject(RejectReason::FutureTimestamp, || {
            format!(
                "observed_at is more than {} s ahead of core's clock",
                gate.future_tolerance.num_seconds()
            )
        }));
    }
    if update.signals.is_empty() {
        return Verdict::Rejected(reject(RejectReason::NoValidSignals, || {
            let named: Vec<&str> = update
                .dropped
                .iter()
                .map(|dropped| dropped.signal.as_str())
                .collect();
            if named.is_empty() {
                "the update brings no signal".to_owned()
            } else {
                format!("no signal is valid: {}", named.join(", "))
            }
        }));
    }
    let mut newer = Readings::with_capacity(update.signals.len());
    let mut ignored = Vec::new();
    let mut all_equal = true;
    for &(signal, value) in &update.signals {
        let reading = Reading { value, observed_at };
        let order = held
            .get(signal)
            .map_or(Ordering::Greater, |held| reading.total_cmp(held));
        all_equal &= order.is_eq();
        if order.is_gt() {
            newer.join(signal, reading);
        } else {
            ignored.push(signal);
        }
    }
    match (newer.is_empty(), all_equal) {
        (false, _) => Verdict::Accepted {
            observed_at,
            newer: Arc::new(newer),
            ignored,
        },
        (true, true) => Verdict::Duplicate,
        (true, false) => Verdict::Stale,
    }
}

fn reject(reason: RejectReason, detail: impl FnOnce() -> String) -> Rejection {
    Rejection {
        reason,
        detail: detail(),
        pointer: None,
    }
}
