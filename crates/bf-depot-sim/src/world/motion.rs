//! The motion over one leg, from standstill to standstill: speed up, cruise, brake.

/// The drive over one leg.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hop {
    length_m: f64,
    acceleration_ms2: f64,
    /// The highest speed reached, in m/s.
    pub(super) peak_ms: f64,
}

/// The distance, speed and acceleration of a vehicle within a [`Hop`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Motion {
    pub(super) travelled_m: f64,
    pub(super) speed_ms: f64,
    /// The acceleration, negative when braking.
    pub(super) acceleration_ms2: f64,
}

impl Hop {
    /// Plans the drive. On a leg too short for `cruise_ms`, the peak speed is lower.
    pub(super) fn new(length_m: f64, cruise_ms: f64, acceleration_ms2: f64) -> Self {
        Self {
            length_m,
            acceleration_ms2,
            peak_ms: cruise_ms.min((acceleration_ms2 * length_m).sqrt()),
        }
    }

    pub(super) fn duration_s(&self) -> f64 {
        self.length_m / self.peak_ms + self.ramp_s()
    }

    fn ramp_s(&self) -> f64 {
        self.peak_ms / self.acceleration_ms2
    }

    /// Returns the motion `elapsed_s` after the start: standstill at the end of the leg from
    /// [`Hop::duration_s`] on.
    pub(super) fn at(&self, elapsed_s: f64) -> Motion {
        let remaining_s = (self.duration_s() - elapsed_s).max(0.0);
        let a = self.acceleration_ms2;
        if elapsed_s < self.ramp_s() {
            Motion {
                travelled_m: a * elapsed_s.powi(2) / 2.0,
                speed_ms: a * elapsed_s,
                acceleration_ms2: a,
            }
        } else if remaining_s < self.ramp_s() {
            let ahead_m = a * remaining_s.powi(2) / 2.0;
            Motion {
                travelled_m: self.length_m - ahead_m,
                speed_ms: a * remaining_s,
                acceleration_ms2: -a,
            }
        } else {
            let travelled_m = self.peak_ms * (elapsed_s - self.ramp_s() / 2.0);
            Motion {
                travelled_m,
                speed_ms: self.peak_ms,
                acceleration_ms2: 0.0,
            }
        }
    }
}
