//! One vehicle, round the clock.
//!
//! Each vehicle repeats a shift of its own length, begun at its own minute and never synchronised with
//! the day, so that at any time some of a fleet drive, some charge and some stand.

use chrono::{DateTime, Utc};
use rand::Rng;

use super::battery::Battery;
use super::draw::VehicleSeed;
use super::emission::Ticks;
use super::model::Model;
use super::route::{Route, depot_of};
use super::shift::{Phase, Shift};
use super::state::VehicleState;
use super::timeline::{Timeline, VirtualTime};
use super::tour::Tour;
use super::weather::ambient_celsius;
use crate::protocol::{ChargingState, Reading};

/// 2025-01-01T00:00:00Z. Until then and a little longer, every vehicle stands new in its depot.
const IN_SERVICE_FROM_S: f64 = 1_735_689_600.0;
const PREPARATION_S: f64 = 300.0;
const LATEST_DELAY_S: f64 = 600.0;
const UNTIL_PLUGGED_IN_S: f64 = 180.0;
const SPARE_S: f64 = 900.0;
/// How far the consumption counter may be off the mean at the start of a shift, in shifts.
const COUNTER_OFFSET: f64 = 0.04;

/// A simulated vehicle: what it is, from which [`Vehicle::state_at`] computes how it is.
#[derive(Clone, Debug)]
pub struct Vehicle {
    seed: VehicleSeed,
    tour: Tour,
    battery: Battery,
    first_shift_s: f64,
    shift_s: f64,
    new_odometer_km: f64,
    ticks: Ticks,
}

/// What differs from shift to shift.
struct Chance {
    departure_delay_s: f64,
    counter_offset: f64,
}

impl Vehicle {
    /// The vehicle of that id in an account. Same arguments, same vehicle.
    pub fn new(seed: u64, account: &str, external_id: &str) -> Self {
        let seed = VehicleSeed::new(seed, account, external_id);
        let mut draws = seed.traits();
        let model = Model::draw(&mut draws);
        let route = Route::draw(
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

    /// How the vehicle is at a virtual instant.
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

    /// What the vehicle last reported at or before `at`, each reading with the wall clock of its report.
    pub fn readings_at(&self, at: DateTime<Utc>, timeline: &Timeline) -> Vec<Reading> {
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

    /// The consumption counter at the start of a shift: the mean of all shifts before it, a little off.
    ///
    /// A shift uses what lies between two such values, so shifts differ and the counter after thousands
    /// of them is still known without adding them up.
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
    // Half of the range, so that the number after it exists.
    (shifts as u64).min(u64::MAX / 2)
}
