//! The state of a vehicle at one instant, and the readings that it gives.

use chrono::{DateTime, Utc};

use crate::protocol::{ChargingState, GeoPoint, NativeValue, SignalName, SimulatedReading};

/// Everything that a simulated vehicle knows about itself. Units are in the names.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct VehicleState {
    /// The state of charge, 0..100.
    pub state_of_charge_percent: f64,
    /// The state of health, in percent of the capacity as built.
    pub state_of_health_percent: f64,
    /// The energy left in the battery.
    pub energy_remaining_kwh: f64,
    /// The energy drawn from the battery for driving since the vehicle was new. The energy that braking
    /// returns is not subtracted, so the value never falls.
    pub energy_used_kwh: f64,
    /// The power of the battery, positive into the battery.
    pub battery_power_kw: f64,
    /// Whether the vehicle is charging.
    pub charging_state: ChargingState,
    /// Whether the charging cable is connected.
    pub plugged_in: bool,
    /// The range at the consumption of the vehicle's usual tour.
    pub range_km: f64,
    /// The distance driven since the vehicle was built.
    pub odometer_km: f64,
    /// The speed over ground.
    pub speed_kmh: f64,
    /// The position on the route or in the depot.
    pub position: GeoPoint,
    /// The direction in degrees clockwise from north, 0..360.
    pub heading_deg: f64,
    /// Whether the ignition is on: for the whole tour, at stops too.
    pub ignition_on: bool,
    /// The temperature of the air outside.
    pub ambient_temperature_celsius: f64,
    /// The temperature of the traction battery.
    pub battery_temperature_celsius: f64,
}

/// The signals that are reported only once a minute, also while driving, as real units do. So the times of
/// the readings in one answer differ.
const SLOW: [SignalName; 3] = [
    SignalName::StateOfHealthPercent,
    SignalName::AmbientTemperatureCelsius,
    SignalName::BatteryTemperatureCelsius,
];

impl VehicleState {
    /// Returns the readings of a report at `time`; the [`SLOW`] signals are those of the state `minute`.
    pub(super) fn readings(
        &self,
        time: DateTime<Utc>,
        minute: (&Self, DateTime<Utc>),
    ) -> Vec<SimulatedReading> {
        SignalName::ALL
            .into_iter()
            .map(|name| {
                let (state, time) = if SLOW.contains(&name) {
                    minute
                } else {
                    (self, time)
                };
                SimulatedReading {
                    name,
                    value: state.value(name),
                    time,
                }
            })
            .collect()
    }

    /// Returns the value of one signal, rounded to the precision of a vehicle's bus.
    fn value(&self, name: SignalName) -> NativeValue {
        match name {
            SignalName::StateOfChargePercent => number(self.state_of_charge_percent, 1),
            SignalName::StateOfHealthPercent => number(self.state_of_health_percent, 1),
            SignalName::EnergyRemainingKwh => number(self.energy_remaining_kwh, 1),
            SignalName::EnergyUsedKwh => number(self.energy_used_kwh, 2),
            SignalName::BatteryPowerKw => number(self.battery_power_kw, 1),
            SignalName::ChargingState => NativeValue::ChargingState(self.charging_state),
            SignalName::PluggedIn => NativeValue::Flag(self.plugged_in),
            SignalName::RangeKm => number(self.range_km, 0),
            SignalName::OdometerKm => number(self.odometer_km, 2),
            SignalName::SpeedKmh => number(self.speed_kmh, 1),
            SignalName::Position => NativeValue::Position(GeoPoint {
                latitude_deg: rounded(self.position.latitude_deg, 6),
                longitude_deg: rounded(self.position.longitude_deg, 6),
            }),
            // A heading that rounds up to 360 is north, which is 0.
            SignalName::HeadingDeg => number(rounded(self.heading_deg, 0) % 360.0, 0),
            SignalName::IgnitionOn => NativeValue::Flag(self.ignition_on),
            SignalName::AmbientTemperatureCelsius => number(self.ambient_temperature_celsius, 1),
            SignalName::BatteryTemperatureCelsius => number(self.battery_temperature_celsius, 1),
        }
    }
}

fn number(value: f64, digits: i32) -> NativeValue {
    NativeValue::Number(rounded(value, digits))
}

fn rounded(value: f64, digits: i32) -> f64 {
    let scale = 10_f64.powi(digits);
    // Adding zero turns -0.0 into 0.0.
    (value * scale).round() / scale + 0.0
}
