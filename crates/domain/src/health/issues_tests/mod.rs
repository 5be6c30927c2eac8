//! Issues: from when on a device is in one (`opening`), how devices are grouped (`grouping`), and the laws
//! of both (`laws`).

mod grouping;
mod laws;
mod opening;

use chrono::TimeDelta;

use super::*;
use crate::fleet::Policy;
use crate::health::evaluate;

const MICROSECOND: TimeDelta = TimeDelta::microseconds(1);

fn now() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_000)
}

/// A device with what is known of it.
#[derive(Clone, Debug)]
struct Device {
    id: DeviceId,
    vehicle: VehicleId,
    provider: ProviderId,
    facts: DeviceFacts,
    health: Health,
    cause: Option<Cause>,
    charge_at: Option<DateTime<Utc>>,
}

/// Heard of so long ago, through `sim`, silent for a reason; with a state of charge as old.
fn device(id: &str, silent_for: TimeDelta, reason: Reason) -> Device {
    let at = now() - silent_for;
    let facts = DeviceFacts {
        activated_at: now() - TimeDelta::days(9),
        last_update_received_at: Some(at),
        newest_observed_at: Some(at),
        declared_interval_minutes: None,
    };
    Device {
        charge_at: Some(at),
        ..of_facts(id, facts, reason)
    }
}

/// Never heard of since it was activated.
fn never(id: &str, activated_for: TimeDelta, reason: Reason) -> Device {
    let facts = DeviceFacts {
        activated_at: now() - activated_for,
        last_update_received_at: None,
        newest_observed_at: None,
        declared_interval_minutes: None,
    };
    of_facts(id, facts, reason)
}

fn of_facts(id: &str, facts: DeviceFacts, reason: Reason) -> Device {
    let health = evaluate(&facts, Policy::default(), now());
    Device {
        id: DeviceId::try_new(id).expect("an id"),
        vehicle: VehicleId::try_new(&format!("{id}-vehicle")).expect("an id"),
        provider: ProviderId::try_new("sim").expect("an id"),
        facts,
        health,
        cause: (health.state != HealthState::Healthy).then(|| reason.into()),
        charge_at: None,
    }
}

impl Device {
    fn through(self, provider: &str) -> Self {
        Self {
            provider: ProviderId::try_new(provider).expect("an id"),
            ..self
        }
    }

    fn finding(&self) -> Finding<'_> {
        Finding {
            device_id: &self.id,
            vehicle_id: &self.vehicle,
            provider_id: &self.provider,
            configured_at: self.facts.activated_at,
            facts: &self.facts,
            health: &self.health,
            cause: self.cause,
            state_of_charge_at: self.charge_at,
        }
    }
}

fn issues(devices: &[Device]) -> Vec<Issue<'_>> {
    find_issues(devices.iter().map(Device::finding), now())
}
