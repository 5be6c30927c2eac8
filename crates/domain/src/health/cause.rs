//! Root causes: why a device is not healthy, as far as the persisted records can tell.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Cause, DeviceFacts, Health, HealthState, Reason, Responsibility};
use crate::acceptance::RejectReason;
use crate::polling::{ConnectionOutcome, ErrorClass, PollInterval};
use crate::vocabulary::words;

/// Slack beyond an interval before a cycle counts as overdue, as before a device counts as delayed.
const CYCLE_TOLERANCE: TimeDelta = TimeDelta::seconds(60);

words!(
    /// The state of a provider's stream, as reported by whoever holds it.
    StreamState {
        /// The stream is open, and brings frames.
        Connected = "connected",
        /// The stream is not open.
        Disconnected = "disconnected",
        /// The stream is open, and brings nothing.
        Silent = "silent",
        /// The provider does not let the stream be opened.
        Refused = "refused",
    }
);

/// The latest finished poll of a device's connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastPoll {
    /// The instant at which the cycle of the poll started.
    pub started_at: DateTime<Utc>,
    /// The outcome of the connection.
    pub outcome: ConnectionOutcome,
    /// The class of the failure, unless the connection answered.
    pub error_class: Option<ErrorClass>,
}

/// The latest of a device's updates that was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastRejection {
    /// The reason of the refusal.
    pub reason: RejectReason,
    /// The instant of the refusal.
    pub at: DateTime<Utc>,
    /// Whether a poll brought the update.
    pub polled: bool,
}

/// What the records say of how a device is heard of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PollingFacts {
    /// Workspace active, polls core's, the provider type admitted and the connection enabled.
    pub polling_enabled: bool,
    /// Since when the above can have been so, at the earliest.
    pub polling_possible_since: DateTime<Utc>,
    /// The workspace's cadence.
    pub interval: PollInterval,
    /// When the workspace's latest cycle that ran ended.
    pub last_cycle_ended_at: Option<DateTime<Utc>>,
    /// The latest finished poll of the device's connection.
    pub last_poll: Option<LastPoll>,
    /// How the stream of the device's connection stands, if it has one.
    pub stream: Option<StreamState>,
    /// Whether the latest answer of the provider lacked this device.
    pub absent: bool,
    /// The latest of its updates that was refused.
    pub last_rejection: Option<LastRejection>,
}

/// The first cause that fits; `None` for a healthy device.
pub fn root_cause(
    device: &DeviceFacts,
    health: &Health,
    polling: &PollingFacts,
    now: DateTime<Utc>,
) -> Option<Cause> {
    if health.state == HealthState::Healthy {
        return None;
    }
    let silence = now - polling.listened_until();
    let interval = polling.interval.as_delta();
    if !polling.polling_enabled {
        return Some(Reason::PollingDisabled.into());
    }
    if silence > interval * 2 + CYCLE_TOLERANCE {
        return Some(Reason::CyclesNotRunning.into());
    }
    let cause = polling
        .last_poll
        .and_then(of_failure)
        .or_else(|| polling.stream.and_then(of_stream))
        .or_else(|| of_rejection(device, health, polling, now))
        .or_else(|| of_answer(device, health, polling));
    Some(cause.unwrap_or_else(|| {
        // It was well as of the latest poll; what it lacks is the next.
        if silence > interval + CYCLE_TOLERANCE {
            Reason::CyclesNotRunning.into()
        } else {
            Reason::Unknown.into()
        }
    }))
}

impl PollingFacts {
    /// Returns the instant until which cycles ran, or had no occasion to.
    fn listened_until(&self) -> DateTime<Utc> {
        self.last_cycle_ended_at
            .map_or(self.polling_possible_since, |ended_at| {
                ended_at.max(self.polling_possible_since)
            })
    }
}

fn of_failure(poll: LastPoll) -> Option<Cause> {
    if poll.outcome != ConnectionOutcome::Failed {
        return None;
    }
    let reason = match poll.error_class? {
        ErrorClass::CredentialsRejected | ErrorClass::CredentialsUnresolved => {
            Reason::ProviderCredentialsRejected
        }
        ErrorClass::RateLimited => Reason::ProviderRateLimited,
        ErrorClass::Unavailable
        | ErrorClass::Timeout
        | ErrorClass::InvalidResponse
        | ErrorClass::CursorLoop
        | ErrorClass::CircuitOpen => Reason::ProviderUnavailable,
        ErrorClass::AddressNotAllowed | ErrorClass::Disabled | ErrorClass::ProviderNotAllowed => {
            Reason::PollingDisabled
        }
        ErrorClass::NotSupported => return None,
    };
    Some(reason.into())
}

fn of_stream(stream: StreamState) -> Option<Cause> {
    match stream {
        StreamState::Connected => None,
        StreamState::Disconnected => Some(Reason::StreamDisconnected.into()),
        StreamState::Silent => Some(Reason::StreamSilent.into()),
        StreamState::Refused => Some(Cause {
            responsibility: Responsibility::Provider,
            ..Reason::StreamDisconnected.into()
        }),
    }
}

/// Finds the cause of a device whose updates still come and are all refused.
fn of_rejection(
    device: &DeviceFacts,
    health: &Health,
    polling: &PollingFacts,
    now: DateTime<Utc>,
) -> Option<Cause> {
    let rejection = polling.last_rejection?;
    let is_the_latest = device
        .last_update_received_at
        .is_none_or(|received_at| received_at < rejection.at)
        && rejection.at >= device.activated_at;
    let goes_on = match polling.last_poll {
        Some(poll) if rejection.polled => rejection.at >= poll.started_at,
        _ => now - rejection.at <= health.delayed_after,
    };
    (is_the_latest && goes_on).then(|| Cause {
        rejection: Some(rejection.reason),
        ..Reason::UpdatesRejected.into()
    })
}

/// Finds the cause in the latest answer of the provider.
fn of_answer(device: &DeviceFacts, health: &Health, polling: &PollingFacts) -> Option<Cause> {
    let poll = polling.last_poll.filter(|poll| {
        let switched_off = [ErrorClass::Disabled, ErrorClass::ProviderNotAllowed];
        poll.started_at >= device.activated_at
            && poll
                .error_class
                .is_none_or(|class| !switched_off.contains(&class))
    });
    let silent_in_poll = poll.is_some_and(|poll| {
        poll.outcome == ConnectionOutcome::Ok
            && device
                .last_update_received_at
                .is_none_or(|received_at| received_at < poll.started_at)
    });
    let is_late = health.state == HealthState::Delayed
        && health.age.is_some_and(|age| age <= health.delayed_after);
    let reason = if silent_in_poll && polling.absent {
        Reason::NotReturnedByProvider
    } else if is_late {
        Reason::ProviderLag
    } else if silent_in_poll {
        Reason::NoNewReading
    } else if poll.is_none() {
        Reason::AwaitingFirstPoll
    } else {
        return None;
    };
    Some(reason.into())
}

#[cfg(test)]
#[path = "cause_tests.rs"]
mod tests;
