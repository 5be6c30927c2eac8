//! A vehicle's shift: it waits, drives a tour, arrives, charges, and waits again.

/// One shift, and the time that has passed of it. All times are seconds since the shift began.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shift {
    /// The number of the shift, counted from the vehicle's first.
    pub(super) number: u64,
    /// The difference of the consumption counter from its mean when the shift begins, in shifts.
    pub(super) counter_offset: f64,
    /// The consumption as a factor of the usual one, for weather, load and traffic.
    pub(super) effort: f64,
    /// The state of charge on arrival.
    pub(super) arrival_percent: f64,
    pub(super) elapsed_s: f64,
    pub(super) departs_s: f64,
    pub(super) arrives_s: f64,
    pub(super) plugs_in_s: f64,
    pub(super) charged_s: f64,
    pub(super) ends_s: f64,
}

/// The part of a shift that a vehicle is in, and for how many seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Phase {
    /// The vehicle stands in the depot, charged and not plugged in.
    Waiting,
    Touring {
        for_s: f64,
    },
    /// The vehicle is back in the depot and not plugged in yet.
    Arrived,
    Charging {
        for_s: f64,
    },
    /// The vehicle is charged, and stays plugged in until the next shift.
    Charged,
}

/// How much warmer than the air the battery is, in kelvin: between shifts, on arrival, when charged.
const RESTED_K: f64 = 4.0;
const DRIVEN_K: f64 = 8.0;
const CHARGED_K: f64 = 11.0;

impl Shift {
    pub(super) fn phase(&self) -> Phase {
        let t = self.elapsed_s;
        if t < self.departs_s {
            Phase::Waiting
        } else if t < self.arrives_s {
            Phase::Touring {
                for_s: t - self.departs_s,
            }
        } else if t < self.plugs_in_s {
            Phase::Arrived
        } else if t < self.charged_s {
            Phase::Charging {
                for_s: t - self.plugs_in_s,
            }
        } else {
            Phase::Charged
        }
    }

    /// Returns how much warmer than the air the battery is, in kelvin.
    pub(super) fn battery_warmth_k(&self) -> f64 {
        let t = self.elapsed_s;
        if t < self.departs_s {
            RESTED_K
        } else if t < self.arrives_s {
            interpolate(t, (self.departs_s, RESTED_K), (self.arrives_s, DRIVEN_K))
        } else if t < self.charged_s {
            interpolate(t, (self.arrives_s, DRIVEN_K), (self.charged_s, CHARGED_K))
        } else {
            interpolate(t, (self.charged_s, CHARGED_K), (self.ends_s, RESTED_K))
        }
    }
}

/// Interpolates linearly between two points of time and value.
fn interpolate(t: f64, from: (f64, f64), to: (f64, f64)) -> f64 {
    from.1 + (to.1 - from.1) * (t - from.0) / (to.0 - from.0)
}
