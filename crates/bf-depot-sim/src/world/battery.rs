//! The battery and its charging: full power at first, less and less towards the end.

/// The state of charge from which charging slows down.
const TAPER_FROM_PERCENT: f64 = 80.0;
/// The state of charge that the slowing curve would approach if charging never stopped.
const TAPER_TOWARDS_PERCENT: f64 = 103.0;

/// A battery and the charger of its depot.
#[derive(Clone, Copy, Debug)]
pub(super) struct Battery {
    /// The capacity as built.
    pub(super) capacity_kwh: f64,
    pub(super) state_of_health_percent: f64,
    /// The charging power at the battery below [`TAPER_FROM_PERCENT`].
    pub(super) charger_kw: f64,
    /// The operator's limit, at which charging is complete.
    pub(super) charge_to_percent: f64,
}

impl Battery {
    /// Returns the energy of a full battery at its state of health.
    pub(super) fn usable_kwh(&self) -> f64 {
        self.capacity_kwh * self.state_of_health_percent / 100.0
    }

    /// Returns the state of charge after `net_kwh` were taken from a charged battery.
    pub(super) fn percent_after(&self, net_kwh: f64) -> f64 {
        self.charge_to_percent - 100.0 * net_kwh / self.usable_kwh()
    }

    /// Returns the seconds of charging from `from_percent` until charging is complete.
    pub(super) fn charging_s(&self, from_percent: f64) -> f64 {
        let taper_entry = from_percent.max(TAPER_FROM_PERCENT);
        let left = (TAPER_TOWARDS_PERCENT - taper_entry)
            / (TAPER_TOWARDS_PERCENT - self.charge_to_percent);
        self.full_power_s(from_percent) + left.ln() / self.taper_rate()
    }

    /// Returns the state of charge `elapsed_s` after charging began at `from_percent`.
    pub(super) fn charged_percent(&self, from_percent: f64, elapsed_s: f64) -> f64 {
        let tapering_s = elapsed_s - self.full_power_s(from_percent);
        if tapering_s < 0.0 {
            return from_percent + self.percent_per_s() * elapsed_s;
        }
        let open = TAPER_TOWARDS_PERCENT - from_percent.max(TAPER_FROM_PERCENT);
        TAPER_TOWARDS_PERCENT - open * (-self.taper_rate() * tapering_s).exp()
    }

    /// Returns the power that the battery takes at a state of charge.
    pub(super) fn charging_kw(&self, percent: f64) -> f64 {
        let open = (TAPER_TOWARDS_PERCENT - percent) / (TAPER_TOWARDS_PERCENT - TAPER_FROM_PERCENT);
        self.charger_kw * open.min(1.0)
    }

    fn full_power_s(&self, from_percent: f64) -> f64 {
        (TAPER_FROM_PERCENT - from_percent).max(0.0) / self.percent_per_s()
    }

    fn percent_per_s(&self) -> f64 {
        100.0 * self.charger_kw / self.usable_kwh() / 3600.0
    }

    fn taper_rate(&self) -> f64 {
        self.percent_per_s() / (TAPER_TOWARDS_PERCENT - TAPER_FROM_PERCENT)
    }
}
