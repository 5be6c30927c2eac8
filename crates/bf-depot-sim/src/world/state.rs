//! What can be read from a vehicle at one instant.

use chrono::{DateTime, Utc};

use crate::protocol::{ChargingState, Position, Reading, SignalName, SignalValue};

/// Everything that a simulated vehicle knows about itself. Units are in the names.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct VehicleState {
    /// 0..100.
    pub state_of_charge_percent: f64,
    /// Of the capacity as built.
    pub state_of_health_percent: f64,
    /// Left in the battery.
    pub energy_remaining_kwh: f64,
    /// Drawn from the battery for driving since the vehicle was new; what braking returns is not
    /// subtracted, so it never falls.
    pub energy_used_kwh: f64,
    /// Positive into the battery.
    pub battery_power_kw: f64,
    /// What the charger does.
    pub charging_state: ChargingState,
    /// Whether the charging cable is connected.
    pub plugged_in: bool,
    /// At the consumption of its usual tour.
    pub range_km: f64,
    /// Total distance.
    pub odometer_km: f64,
    /// Over ground.
    pub speed_kmh: f64,
    /// On the route, or in the depot.
    pub position: Position,
    /// Clockwise from north, 0..360.
    pub heading_deg: f64,
    /// On for the whole tour, at stops too.
    pub ignition_on: bool,
    /// Outside.
    pub ambient_temperature_celsius: f64,
    /// Of the traction battery.
    pub battery_temperature_celsius: f64,
}

/// Reported once a minute, also while driving: what changes slowly, as real units do. So the times in
/// one answer differ.
const SLOW: [SignalName; 3] = [
    SignalName::StateOfHealthPercent,
    SignalName::AmbientTemperatureCelsius,
    SignalName::BatteryTemperatureCelsius,
];

impl VehicleState {
    /// The readings of a report at `time`, those that change slowly taken from `minute`.
    pub(super) fn readings(
        &self,
        time: DateTime<Utc>,
        minute: (&Self, DateTime<Utc>),
    ) -> Vec<Reading> {
        SignalName::ALL
            .into_iter()
            .map(|name| {
                let (state, time) = if SLOW.contains(&name) {
                    minute
                } else {
                    (self, time)
                };
                Reading {
                    name,
                    value: state.value(name),
                    time,
                }
            })
            .collect()
    }

    /// The value of one signal, rounded to what a vehicle's bus would carry.
    fn value(&self, name: SignalName) -> SignalValue {
        match name {
            SignalName::StateOfChargePercent => number(self.state_of_charge_percent, 1),
            SignalName::StateOfHealthPercent => number(self.state_of_health_percent, 1),
            SignalName::EnergyRemainingKwh => number(self.energy_remaining_kwh, 1),
            SignalName::EnergyUsedKwh => number(self.energy_used_kwh, 2),
            SignalName::BatteryPowerKw => number(self.battery_power_kw, 1),
            SignalName::ChargingState => SignalValue::ChargingState(self.charging_state),
            SignalName::PluggedIn => SignalValue::Flag(self.plugged_in),
            SignalName::RangeKm => number(self.range_km, 0),
            SignalName::OdometerKm => number(self.odometer_km, 2),
            SignalName::SpeedKmh => number(self.speed_kmh, 1),
            SignalName::Position => SignalValue::Position(Position {
                latitude_deg: rounded(self.position.latitude_deg, 6),
                longitude_deg: rounded(self.position.longitude_deg, 6),
            }),
            // A heading that rounds up to 360 is north.
            SignalName::HeadingDeg => number(rounded(self.heading_deg, 0) % 360.0, 0),
            SignalName::IgnitionOn => SignalValue::Flag(self.ignition_on),
            SignalName::AmbientTemperatureCelsius => number(self.ambient_temperature_celsius, 1),
            SignalName::BatteryTemperatureCelsius => number(self.battery_temperature_celsius, 1),
        }
    }
}

fn number(value: f64, digits: i32) -> SignalValue {
    SignalValue::Number(rounded(value, digits))
}

fn rounded(value: f64, digits: i32) -> f64 {
    let scale = 10_f64.powi(digits);
    // Adding zero turns -0.0 into 0.0.
    (value * scale).round() / scale + 0.0
}
