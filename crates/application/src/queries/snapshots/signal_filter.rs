//! The filter of the signals of snapshots.

use domain::health::SignalFreshness;
use domain::signals::Signal;

use super::DeviceSnapshot;

/// A filter of the signals of snapshots, and so of the devices that are listed; an absent member leaves out
/// nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SignalFilter {
    /// Only this signal.
    pub signal: Option<Signal>,
    /// Only held signals in this state, and only devices that have any.
    pub state: Option<SignalFreshness>,
}

impl SignalFilter {
    /// Returns whether a device is listed: with a state, a device that holds a signal (the one asked for, or any)
    /// in that state.
    pub(super) fn admits(self, snapshot: &DeviceSnapshot) -> bool {
        self.state.is_none_or(|state| {
            snapshot
                .signals
                .iter()
                .any(|held| held.freshness == state && self.admits_signal(held.signal))
        })
    }

    /// Removes the signals that were not asked for.
    pub(super) fn trim(self, snapshot: &mut DeviceSnapshot) {
        snapshot.signals.retain(|held| {
            self.admits_signal(held.signal)
                && self.state.is_none_or(|wanted| held.freshness == wanted)
        });
        snapshot
            .absent
            .retain(|absent| self.admits_signal(absent.signal));
    }

    fn admits_signal(self, signal: Signal) -> bool {
        self.signal.is_none_or(|wanted| signal == wanted)
    }
}
