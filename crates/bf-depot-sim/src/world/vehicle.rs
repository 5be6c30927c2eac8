//! One vehicle, which repeats its shift day and night.
//!
//! Each vehicle's shift has its own length and its own first minute, and is not bound to the day. So at any
//! time some vehicles of a fleet drive, some charge and some stand.

use chrono::{DateTime, Utc};
use rand::Rng;

use super::battery::Battery;
use super::draw::VehicleSeed;
use super::emission::Ticks;
use super::model::Model;
use super::route::{LoopRoute, depot_of};
use super::shift::{Phase, Shift};
use super::state::VehicleState;
use super::timeline::{Timeline, VirtualTime};
use super::tour::Tour;
use super::weather::ambient_celsius;
use crate::protocol::{ChargingState, SimulatedReading};

/// The Unix time of 2025-01-01T00:00:00Z. A vehicle's first shift begins within one shift's length after it.
const IN_SERVICE_FROM_S: f64 = 1_735_689_600.0;
const PREPARATION_S: f64 = 300.0;
const LATEST_DELAY_S: f64 = 600.0;
const UNTIL_PLUGGED_IN_S: f64 = 180.0;
const SPARE_S: f64 = 900.0;
/// The largest difference of the consumption counter from its mean at the start of a shift, in shifts.
const COUNTER_OFFSET: f64 = 0.04;

/// A simulated vehicle's permanent traits, from which [`SimulatedVehicle::state_at`] computes its state.
#[derive(Clone, Debug)]
pub struct SimulatedVehicle {
    seed: VehicleSeed,
    tour: Tour,
    battery: Battery,
    first_shift_s: f64,
    shift_s: f64,
    new_odometer_km: f64,
    ticks: Ticks,
}

/// The random figures that differ from shift to shift.
struct Chance {
    departure_delay_s: f64,
    counter_offset: f64,
}

impl SimulatedVehicle {
    /// Draws the vehicle of an id in an account. The same arguments give the same vehicle.
    pub fn new(seed: u64, account: &str, external_id: &str) -> Self {
        let seed = VehicleSeed::new(seed, account, external_id);
        let mut draws = seed.traits();
        let model = Model::draw(&mut draws);
        let route = LoopRoute::draw(
            depot_of(account),
            model.route_radius_m,
            model.stop_spacing_m,
            &mut draws,
        );
        let budget_kwh = draws.random_range(0.35..0.6) * model.battery.usable_kwh();
        let tour = Tour::new(route, model.style, model.drivetrain, budget_kwh);
        let lowest_percent = model
            .battery
            .percent_after(tour.energy().net_kwh() * (1.0 + 2.0 * COUNTER_OFFSET));
        let shift_s = PREPARATION_S
            + LATEST_DELAY_S
            + tour.duration_s()
            + UNTIL_PLUGGED_IN_S
            + model.battery.charging_s(lowest_percent)
            + SPARE_S;
        Self {
            seed,
            tour,
            battery: model.battery,
            first_shift_s: IN_SERVICE_FROM_S + draws.random_range(0.0..shift_s),
            shift_s,
            new_odometer_km: draws.random_range(50.0..5_000.0),
            ticks: Ticks {
                phase_us: draws.random_range(0..60_000) * 1_000,
            },
        }
    }

    /// Returns the vehicle's state at a virtual instant.
    pub fn state_at(&self, at: VirtualTime) -> VehicleState {
        let shift = self.shift_at(at);
        let phase = shift.phase();
        let place = match phase {
            Phase::Waiting => self.tour.start(),
            Phase::Touring { for_s } => self.tour.at(for_s),
            Phase::Arrived | Phase::Charging { .. } | Phase::Charged => self.tour.end(),
        };
        let driven = place.energy.scaled(shift.effort);
        let (percent, battery_power_kw, charging_state) = match phase {
            Phase::Waiting | Phase::Touring { .. } | Phase::Arrived => (
                self.battery.percent_after(driven.net_kwh()),
                driven.power_kw,
                ChargingState::NotCharging,
            ),
            Phase::Charging { for_s } => {
                let percent = self.battery.charged_percent(shift.arrival_percent, for_s);
                (
                    percent,
                    self.battery.charging_kw(percent),
                    ChargingState::Charging,
                )
            }
            Phase::Charged => (self.battery.charge_to_percent, 0.0, ChargingState::Complete),
        };
        let tour_km = self.tour.distance_m() / 1e3;
        let energy_remaining_kwh = self.battery.usable_kwh() * percent / 100.0;
        VehicleState {
            state_of_charge_percent: percent,
            state_of_health_percent: self.battery.state_of_health_percent,
            energy_remaining_kwh,
            energy_used_kwh: self.energy_used_before_kwh(&shift) + driven.drawn_kwh,
            battery_power_kw,
            charging_state,
            plugged_in: matches!(phase, Phase::Charging { .. } | Phase::Charged),
            range_km: energy_remaining_kwh * tour_km / self.tour.energy().net_kwh(),
            odometer_km: self.new_odometer_km
                + count(shift.number) * tour_km
                + place.distance_m / 1e3,
            speed_kmh: place.speed_ms * 3.6,
            position: place.position,
            heading_deg: place.heading_deg,
            ignition_on: matches!(phase, Phase::Touring { .. }),
            ambient_temperature_celsius: ambient_celsius(at),
            battery_temperature_celsius: ambient_celsius(at) + shift.battery_warmth_k(),
        }
    }

    /// Returns the vehicle's last report at or before `at`; each reading has the wall clock of its emission.
    pub fn readings_at(&self, at: DateTime<Utc>, timeline: &Timeline) -> Vec<SimulatedReading> {
        let minute = self.ticks.last_minute(at);
        let report = self
            .ticks
            .last_report(at, |instant| self.is_touring(timeline.virtual_at(instant)));
        let state_at_minute = self.state_at(timeline.virtual_at(minute));
        self.state_at(timeline.virtual_at(report))
            .readings(report, (&state_at_minute, minute))
    }

    fn is_touring(&self, at: VirtualTime) -> bool {
        matches!(self.shift_at(at).phase(), Phase::Touring { .. })
    }

    fn shift_at(&self, at: VirtualTime) -> Shift {
        let in_service_s = (at.unix_seconds() - self.first_shift_s).max(0.0);
        let number = whole(in_service_s / self.shift_s);
        let chance = self.chance(number);
        let effort = 1.0 + self.chance(number + 1).counter_offset - chance.counter_offset;
        let arrival_percent = self
            .battery
            .percent_after(self.tour.energy().net_kwh() * effort);
        let departs_s = PREPARATION_S + chance.departure_delay_s;
        let arrives_s = departs_s + self.tour.duration_s();
        let plugs_in_s = arrives_s + UNTIL_PLUGGED_IN_S;
        Shift {
            number,
            counter_offset: chance.counter_offset,
            effort,
            arrival_percent,
            elapsed_s: (in_service_s - count(number) * self.shift_s).max(0.0),
            departs_s,
            arrives_s,
            plugs_in_s,
            charged_s: plugs_in_s + self.battery.charging_s(arrival_percent),
            ends_s: self.shift_s,
        }
    }

    /// Returns the consumption counter at the start of a shift: the mean of all shifts before, plus the
    /// shift's own small difference.
    ///
    /// A shift's consumption is the difference of two such values. So shifts differ, and yet the counter
    /// after thousands of shifts is known without adding them up.
    fn energy_used_before_kwh(&self, shift: &Shift) -> f64 {
        let tour_kwh = self.tour.energy().drawn_kwh;
        let new_kwh = self.new_odometer_km * tour_kwh / (self.tour.distance_m() / 1e3);
        new_kwh + tour_kwh * (count(shift.number) + shift.counter_offset)
    }

    fn chance(&self, shift: u64) -> Chance {
        let mut draws = self.seed.shift(shift);
        Chance {
            departure_delay_s: draws.random_range(0.0..LATEST_DELAY_S),
            counter_offset: draws.random_range(-COUNTER_OFFSET..COUNTER_OFFSET),
        }
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a count of shifts is far below 2^53"
)]
fn count(shifts: u64) -> f64 {
    shifts as f64
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "never negative; `as` saturates"
)]
fn whole(shifts: f64) -> u64 {
    // At most half of the range, so that the next shift's number exists.
    (shifts as u64).min(u64::MAX / 2)
}
