//! The running state of an account: its vehicles, its current fault and its request counts.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use crate::behaviour::Behaviour;
use crate::fault::{ActiveFault, Fault};
use crate::protocol::{SimulatedReading, VehicleReadings};
use crate::requests::RequestCounter;
use crate::scenario::{Account, VehicleSpec};
use crate::world::{SimulatedVehicle, Timeline};

/// The running state of an [`Account`].
#[derive(Debug)]
pub(crate) struct RunningAccount {
    pub(crate) began: DateTime<Utc>,
    pub(crate) key: String,
    pub(crate) fault: Option<ActiveFault>,
    /// The vehicles by external id. Pages list them in this order.
    pub(crate) vehicles: BTreeMap<String, RunningVehicle>,
    pub(crate) requests: RequestCounter,
}

/// A simulated vehicle and its current behaviour.
#[derive(Debug)]
pub(crate) struct RunningVehicle {
    world: SimulatedVehicle,
    pub(crate) behaviour: Behaviour,
    behaves_since: DateTime<Utc>,
}

impl RunningAccount {
    /// Builds the vehicles of an account; its fault begins now unless the account says since when.
    pub(crate) fn start(account: Account, seed: u64, now: DateTime<Utc>) -> Self {
        let vehicles = account.vehicles.into_iter().map(
            |VehicleSpec {
                 external_id,
                 behaviour,
             }| {
                let vehicle =
                    RunningVehicle::new(seed, &account.name, &external_id, behaviour, now);
                (external_id, vehicle)
            },
        );
        Self {
            began: now,
            vehicles: vehicles.collect(),
            key: account.key,
            fault: account.fault.map(|fault| ActiveFault {
                fault,
                since: account.fault_since.unwrap_or(now),
            }),
            requests: RequestCounter::default(),
        }
    }

    /// Returns the fault that a request meets at `now`.
    pub(crate) fn fault_at(&self, now: DateTime<Utc>) -> Option<Fault> {
        self.fault.and_then(|active| active.at(now))
    }

    /// Returns the instant of the readings that the provider answers with at `now`: earlier than `now`
    /// only while the fault is [`Fault::Late`].
    pub(crate) fn as_of(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        match self.fault_at(now) {
            Some(Fault::Late { minutes }) => now - TimeDelta::minutes(minutes.into()),
            _ => now,
        }
    }

    /// Returns the readings of the vehicles as of an instant, ordered by id. Vehicles up to and including
    /// the id `after` are skipped.
    pub(crate) fn vehicles_as_of<'a>(
        &'a self,
        as_of: DateTime<Utc>,
        timeline: &'a Timeline,
        after: Option<&'a str>,
    ) -> impl Iterator<Item = VehicleReadings> + 'a {
        self.vehicles
            .iter()
            .filter(move |(id, _)| after.is_none_or(|after| id.as_str() > after))
            .filter_map(move |(id, vehicle)| {
                Some(VehicleReadings {
                    id: id.clone(),
                    signals: vehicle.readings_at(as_of, timeline)?,
                })
            })
    }
}

impl RunningVehicle {
    /// Builds the vehicle; it has the behaviour from `now` on.
    pub(crate) fn new(
        seed: u64,
        account: &str,
        id: &str,
        behaviour: Behaviour,
        now: DateTime<Utc>,
    ) -> Self {
        Self {
            world: SimulatedVehicle::new(seed, account, id),
            behaviour,
            behaves_since: now,
        }
    }

    /// Returns the vehicle's readings, or `None` if its behaviour keeps the vehicle out of the answer.
    fn readings_at(&self, at: DateTime<Utc>, timeline: &Timeline) -> Option<Vec<SimulatedReading>> {
        let readings_at = |at| self.world.readings_at(at, timeline);
        match &self.behaviour {
            Behaviour::Reporting => Some(readings_at(at)),
            Behaviour::SilentSince { at: silent_at } => (at < *silent_at).then(|| readings_at(at)),
            Behaviour::Omitted => None,
            Behaviour::Frozen { at: frozen_at } => Some(readings_at(at.min(*frozen_at))),
            Behaviour::WithoutSignals { signals } => {
                let mut readings = readings_at(at);
                readings.retain(|reading| !signals.contains(&reading.name));
                Some(readings)
            }
            Behaviour::Replay(recording) => {
                Some(recording.readings_at(at, &timeline.restarted_at(self.behaves_since)))
            }
        }
    }
}
