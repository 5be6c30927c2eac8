//! The signal catalogue: name, unit, valid range, COVESA VSS path and not-available sentinels.

use std::fmt;

/// A signal of the catalogue.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Signal(u8);

impl Signal {
    /// Returns the signal with a name, if the catalogue has it.
    pub fn named(name: &str) -> Option<Self> {
        CATALOGUE
            .iter()
            .position(|spec| spec.name == name)
            .and_then(|at| u8::try_from(at).ok())
            .map(Self)
    }

    /// Returns every signal in the catalogue's order.
    pub fn all() -> impl Iterator<Item = Self> {
        (0_u8..).take(CATALOGUE.len()).map(Self)
    }

    /// Returns the signal's row of the catalogue.
    pub fn spec(self) -> &'static SignalSpec {
        &CATALOGUE[usize::from(self.0)]
    }

    /// Returns the signal's position in the catalogue.
    pub(super) fn index(self) -> u8 {
        self.0
    }

    /// Returns the signal's name in snake case, unit included: the word in JSON and in the database.
    pub fn name(self) -> &'static str {
        self.spec().name
    }
}

impl fmt::Debug for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A row of the catalogue: what is known of one signal.
#[derive(Debug)]
pub struct SignalSpec {
    /// The name in snake case, with the unit.
    pub name: &'static str,
    /// The unit that readers see; empty if there is none.
    pub unit: &'static str,
    /// The type and the valid range.
    pub kind: SignalKind,
    /// The path in COVESA VSS v6.
    pub vss_path: &'static str,
    /// Numbers that protocols send for "not available" (SAE J1939 and its relatives). All of them are outside
    /// of the valid range; only the reason of the drop tells them apart from it.
    pub not_available: &'static [f64],
}

/// The type of a signal with its valid range.
#[derive(Debug)]
pub enum SignalKind {
    /// A finite number within bounds, both inclusive.
    Number {
        /// The least valid value.
        min: f64,
        /// The greatest valid value.
        max: f64,
    },
    /// Either true or false.
    Flag,
    /// One of these words.
    Word(&'static [&'static str]),
    /// Latitude and longitude in WGS 84 degrees, together; exactly 0,0 is invalid.
    Position,
}

/// All ones in 8, 16 and 32 bits, their J1939 "error" neighbours, and the -1 of signed fields.
const ALL_ONES: &[f64] = &[
    -1.0,
    254.0,
    255.0,
    65_534.0,
    65_535.0,
    4_294_967_294.0,
    4_294_967_295.0,
];
/// The sentinels of signals for which -1 and small all-ones are real readings.
const WIDE_ONES: &[f64] = &[65_534.0, 65_535.0, 4_294_967_294.0, 4_294_967_295.0];
const HUGE_ONES: &[f64] = &[-1.0, 4_294_967_294.0, 4_294_967_295.0];

const fn number(
    name: &'static str,
    unit: &'static str,
    (min, max): (f64, f64),
    vss_path: &'static str,
    not_available: &'static [f64],
) -> SignalSpec {
    SignalSpec {
        name,
        unit,
        kind: SignalKind::Number { min, max },
        vss_path,
        not_available,
    }
}

/// Every signal the product knows.
pub static CATALOGUE: [SignalSpec; 15] = [
    number(
        "state_of_charge_percent",
        "percent",
        (0.0, 100.0),
        "Vehicle.Powertrain.TractionBattery.StateOfCharge.Displayed",
        ALL_ONES,
    ),
    number(
        "state_of_health_percent",
        "percent",
        (0.0, 100.0),
        "Vehicle.Powertrain.TractionBattery.StateOfHealth",
        ALL_ONES,
    ),
    number(
        "energy_remaining_kwh",
        "kWh",
        (0.0, 5_000.0),
        "Vehicle.Powertrain.TractionBattery.StateOfCharge.CurrentEnergy",
        &[-1.0, 65_534.0, 65_535.0, 4_294_967_294.0, 4_294_967_295.0],
    ),
    number(
        "energy_used_kwh",
        "kWh",
        (0.0, 100_000_000.0),
        "Vehicle.Powertrain.TractionBattery.AccumulatedConsumedEnergy",
        HUGE_ONES,
    ),
    number(
        "battery_power_kw",
        "kW",
        (-2_000.0, 2_000.0),
        "Vehicle.Powertrain.TractionBattery.CurrentPower",
        WIDE_ONES,
    ),
    SignalSpec {
        name: "charging_state",
        unit: "",
        kind: SignalKind::Word(&["not_charging", "charging", "complete", "error"]),
        vss_path: "Vehicle.Powertrain.TractionBattery.Charging.IsCharging",
        not_available: &[],
    },
    SignalSpec {
        name: "plugged_in",
        unit: "",
        kind: SignalKind::Flag,
        vss_path: "Vehicle.Powertrain.TractionBattery.Charging.ChargingPort.IsChargingCableConnected",
        not_available: &[],
    },
    number(
        "range_km",
        "km",
        (0.0, 3_000.0),
        "Vehicle.Powertrain.TractionBattery.Range",
        &[-1.0, 65_534.0, 65_535.0, 4_294_967_294.0, 4_294_967_295.0],
    ),
    number(
        "odometer_km",
        "km",
        (0.0, 20_000_000.0),
        "Vehicle.TraveledDistance",
        HUGE_ONES,
    ),
    number("speed_kmh", "km/h", (0.0, 200.0), "Vehicle.Speed", ALL_ONES),
    SignalSpec {
        name: "position",
        unit: "degrees",
        kind: SignalKind::Position,
        vss_path: "Vehicle.CurrentLocation",
        not_available: &[],
    },
    number(
        "heading_deg",
        "degrees",
        (0.0, 360.0),
        "Vehicle.CurrentLocation.Heading",
        &[-1.0, 65_534.0, 65_535.0],
    ),
    SignalSpec {
        name: "ignition_on",
        unit: "",
        kind: SignalKind::Flag,
        vss_path: "Vehicle.LowVoltageSystemState",
        not_available: &[],
    },
    number(
        "ambient_temperature_celsius",
        "celsius",
        (-60.0, 85.0),
        "Vehicle.Exterior.AirTemperature",
        WIDE_ONES,
    ),
    number(
        "battery_temperature_celsius",
        "celsius",
        (-60.0, 150.0),
        "Vehicle.Powertrain.TractionBattery.Temperature.Average",
        WIDE_ONES,
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_find_their_row() {
        for signal in Signal::all() {
            assert_eq!(Signal::named(signal.name()), Some(signal));
        }
        assert_eq!(Signal::all().count(), CATALOGUE.len());
        assert_eq!(Signal::named("soc"), None);
    }

    #[test]
    fn a_sentinel_is_never_a_valid_reading() {
        for spec in &CATALOGUE {
            if let SignalKind::Number { min, max } = spec.kind {
                for sentinel in spec.not_available {
                    assert!(
                        *sentinel < min || *sentinel > max,
                        "{} allows {sentinel}",
                        spec.name
                    );
                }
            }
        }
    }
}
