//! The order of a vehicle's day: wait, tour, arrive, charge, wait.

/// One shift and where the vehicle stands in it. Times are seconds since the shift began.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shift {
    /// Counted from the vehicle's first.
    pub(super) number: u64,
    /// What the consumption counter is off the mean when the shift begins, in shifts.
    pub(super) counter_offset: f64,
    /// Consumption against the usual one: weather, load, traffic.
    pub(super) effort: f64,
    /// State of charge on arrival.
    pub(super) arrival_percent: f64,
    pub(super) elapsed_s: f64,
    pub(super) departs_s: f64,
    pub(super) arrives_s: f64,
    pub(super) plugs_in_s: f64,
    pub(super) charged_s: f64,
    pub(super) ends_s: f64,
}

/// What the vehicle is at, and since how many seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Phase {
    /// In the depot, charged, not plugged in.
    Waiting,
    Touring {
        for_s: f64,
    },
    /// Back, not yet plugged in.
    Arrived,
    Charging {
        for_s: f64,
    },
    /// Plugged in until the next shift.
    Charged,
}

/// The battery above ambient, in kelvin: between shifts, on arrival, when charged.
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

    /// How much warmer than the air the battery is, in kelvin.
    pub(super) fn battery_warmth_k(&self) -> f64 {
        let t = self.elapsed_s;
        if t < self.departs_s {
            RESTED_K
        } else if t < self.arrives_s {
            between(t, (self.departs_s, RESTED_K), (self.arrives_s, DRIVEN_K))
        } else if t < self.charged_s {
            between(t, (self.arrives_s, DRIVEN_K), (self.charged_s, CHARGED_K))
        } else {
            between(t, (self.charged_s, CHARGED_K), (self.ends_s, RESTED_K))
        }
    }
}

fn between(t: f64, from: (f64, f64), to: (f64, f64)) -> f64 {
    from.1 + (to.1 - from.1) * (t - from.0) / (to.0 - from.0)
}
