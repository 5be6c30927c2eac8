//! What driving takes from the battery, and what braking gives back.

use super::motion::{Hop, Motion};

const JOULES_PER_KWH: f64 = 3.6e6;

/// A vehicle's appetite.
#[derive(Clone, Copy, Debug)]
pub(super) struct Drivetrain {
    pub(super) mass_kg: f64,
    /// Rolling and air, per kilometre.
    pub(super) resistance_kwh_per_km: f64,
    /// Heating, cooling, doors, compressor: whenever the ignition is on.
    pub(super) auxiliary_kw: f64,
    /// The share of the kinetic energy that braking returns, 0..1.
    pub(super) recovery: f64,
}

/// Energy taken so far, and the power of the moment.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Energy {
    /// Taken from the battery; never falls.
    pub(super) drawn_kwh: f64,
    /// Returned by braking; never falls.
    pub(super) returned_kwh: f64,
    /// Positive into the battery, as in VSS `Powertrain.TractionBattery.CurrentPower`.
    pub(super) power_kw: f64,
}

impl Energy {
    /// What the battery is short of.
    pub(super) fn net_kwh(&self) -> f64 {
        self.drawn_kwh - self.returned_kwh
    }

    /// The same drive on a harder (above 1) or easier day.
    pub(super) fn scaled(&self, factor: f64) -> Self {
        Self {
            drawn_kwh: self.drawn_kwh * factor,
            returned_kwh: self.returned_kwh * factor,
            power_kw: self.power_kw * factor,
        }
    }

    /// What came before, and the power of now.
    pub(super) fn followed_by(&self, now: &Self) -> Self {
        Self {
            drawn_kwh: self.drawn_kwh + now.drawn_kwh,
            returned_kwh: self.returned_kwh + now.returned_kwh,
            power_kw: now.power_kw,
        }
    }
}

impl Drivetrain {
    /// From the start of a hop until `elapsed_s`, when it is at `motion`.
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

    /// Ignition on, at a stop.
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
