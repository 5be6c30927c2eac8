//! The energy that driving takes from the battery and that braking returns.

use super::motion::{Hop, Motion};

const JOULES_PER_KWH: f64 = 3.6e6;

/// The traits of a vehicle that decide its energy consumption.
#[derive(Clone, Copy, Debug)]
pub(super) struct Drivetrain {
    pub(super) mass_kg: f64,
    /// Energy against rolling and air resistance, per kilometre.
    pub(super) resistance_kwh_per_km: f64,
    /// Power of heating, cooling, doors and compressor, drawn whenever the ignition is on.
    pub(super) auxiliary_kw: f64,
    /// The share of the kinetic energy that braking returns, 0..1.
    pub(super) recovery: f64,
}

/// The energy taken from and returned to the battery so far, and the present power.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Energy {
    /// Energy taken from the battery; the value never falls.
    pub(super) drawn_kwh: f64,
    /// Energy returned by braking; the value never falls.
    pub(super) returned_kwh: f64,
    /// Power, positive into the battery, as in VSS `Powertrain.TractionBattery.CurrentPower`.
    pub(super) power_kw: f64,
}

impl Energy {
    /// Returns the energy that is missing from the battery.
    pub(super) fn net_kwh(&self) -> f64 {
        self.drawn_kwh - self.returned_kwh
    }

    /// Multiplies all figures: a factor above 1 is the same drive on a day of higher consumption.
    pub(super) fn scaled(&self, factor: f64) -> Self {
        Self {
            drawn_kwh: self.drawn_kwh * factor,
            returned_kwh: self.returned_kwh * factor,
            power_kw: self.power_kw * factor,
        }
    }

    /// Adds the energy of the next part of a drive, and takes the power of that part.
    pub(super) fn followed_by(&self, now: &Self) -> Self {
        Self {
            drawn_kwh: self.drawn_kwh + now.drawn_kwh,
            returned_kwh: self.returned_kwh + now.returned_kwh,
            power_kw: now.power_kw,
        }
    }
}

impl Drivetrain {
    /// Returns the energy from the start of a hop until `elapsed_s`, when the vehicle is at `motion`.
    pub(super) fn driving(&self, hop: &Hop, motion: &Motion, elapsed_s: f64) -> Energy {
        let kinetic_kwh = self.kinetic_kwh(motion.speed_ms);
        let braking = motion.acceleration_ms2 < 0.0;
        let put_in_motion_kwh = if braking {
            self.kinetic_kwh(hop.peak_ms)
        } else {
            kinetic_kwh
        };
        let given_back_kwh = if braking {
            put_in_motion_kwh - kinetic_kwh
        } else {
            0.0
        };
        let inertia_kw = self.mass_kg * motion.acceleration_ms2 * motion.speed_ms / 1e3;
        let steady_kw = self.resistance_kwh_per_km * motion.speed_ms * 3.6 + self.auxiliary_kw;
        Energy {
            drawn_kwh: self.resistance_kwh_per_km * motion.travelled_m / 1e3
                + self.auxiliary_kw * elapsed_s / 3600.0
                + put_in_motion_kwh,
            returned_kwh: self.recovery * given_back_kwh,
            power_kw: -steady_kw
                - if braking {
                    self.recovery * inertia_kw
                } else {
                    inertia_kw
                },
        }
    }

    /// Returns the energy of `elapsed_s` at a stop with the ignition on.
    pub(super) fn standing(&self, elapsed_s: f64) -> Energy {
        let drawn_kwh = self.auxiliary_kw * elapsed_s / 3600.0;
        Energy {
            drawn_kwh,
            returned_kwh: 0.0,
            power_kw: -self.auxiliary_kw,
        }
    }

    fn kinetic_kwh(&self, speed_ms: f64) -> f64 {
        self.mass_kg * speed_ms.powi(2) / 2.0 / JOULES_PER_KWH
    }
}
