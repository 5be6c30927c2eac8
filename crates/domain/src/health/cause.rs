//! Root causes: why a device is not healthy, as far as the persisted records can tell.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Cause, DeviceFacts, Health, HealthState, LATENESS_TOLERANCE, Reason, Responsibility};
use crate::acceptance::RejectReason;
use crate::fleet::{ProviderType, Workspace};
use crate::polling::{ConnectionOutcome, ErrorClass, PollInterval};
use crate::vocabulary::words;

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

/// The stored facts of a connection that the health of its devices depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionFacts {
    /// The protocol of the connection.
    pub provider_type: ProviderType,
    /// Whether the connection is switched on.
    pub enabled: bool,
    /// The reporting interval that the connection declares.
    pub declared_interval_minutes: Option<u32>,
    /// The latest finished poll of the connection that brings news of it: [`ErrorClass::repeats_a_failure`]
    /// says which do not.
    pub last_poll: Option<LastPoll>,
}

/// The recorded facts of how a device is polled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PollingFacts {
    /// Whether core polls the device's connection: see [`Workspace::polls`].
    pub polling_enabled: bool,
    /// The instant since which core can have polled the connection, at the earliest.
    pub polling_possible_since: DateTime<Utc>,
    /// The workspace's cadence.
    pub interval: PollInterval,
    /// The instant at which the workspace's latest polled cycle ended.
    pub last_cycle_ended_at: Option<DateTime<Utc>>,
    /// The latest finished poll of the device's connection.
    pub last_poll: Option<LastPoll>,
    /// The state of the connection's stream, if it has one.
    pub stream: Option<StreamState>,
    /// Whether the latest answer of the provider lacked this device.
    pub absent: bool,
    /// The latest of the device's updates that was refused.
    pub last_rejection: Option<LastRejection>,
}

/// Returns the first cause that fits a device; `None` for a healthy one.
pub fn root_cause(
    device: &DeviceFacts,
    health: &Health,
    polling: &PollingFacts,
    now: DateTime<Utc>,
) -> Option<Cause> {
    if health.state == HealthState::Healthy {
        return None;
    }
    let cause = polling
        .cause_at_connection(now)
        .or_else(|| cause_of_rejection(device, health, polling, now))
        .or_else(|| cause_of_answer(device, health, polling));
    Some(cause.unwrap_or_else(|| {
        // It was well as of the latest poll; what it lacks is the next.
        if polling.silence(now) > polling.interval.as_delta() + LATENESS_TOLERANCE {
            Reason::CyclesNotRunning.into()
        } else {
            Reason::Unknown.into()
        }
    }))
}

impl PollingFacts {
    /// Collects the facts that all devices of a connection share. Whether a device is absent, and the latest
    /// of its updates that was refused, are to be added for each device.
    pub fn of_connection(
        workspace: &Workspace,
        flags_changed_at: DateTime<Utc>,
        connection: Option<&ConnectionFacts>,
        last_cycle_ended_at: Option<DateTime<Utc>>,
    ) -> Self {
        Self {
            polling_enabled: connection.is_some_and(|connection| {
                workspace.polls(connection.provider_type, connection.enabled)
            }),
            polling_possible_since: flags_changed_at.max(workspace.created_at),
            interval: workspace.policy.poll_interval,
            last_cycle_ended_at,
            last_poll: connection.and_then(|connection| connection.last_poll),
            // No record of streams is kept yet.
            stream: None,
            absent: false,
            last_rejection: None,
        }
    }

    /// Returns the cause that every device of the connection that is not healthy has at `now`, whatever else
    /// is known of the device; `None` if nothing is amiss with the connection.
    pub fn cause_at_connection(&self, now: DateTime<Utc>) -> Option<Cause> {
        if !self.polling_enabled {
            return Some(Reason::PollingDisabled.into());
        }
        if self.silence(now) > self.interval.as_delta() * 2 + LATENESS_TOLERANCE {
            return Some(Reason::CyclesNotRunning.into());
        }
        self.last_poll
            .and_then(cause_of_failure)
            .or_else(|| self.stream.and_then(cause_of_stream))
    }

    /// Returns whether NFR-001 leaves out the connection's devices that are not healthy at `now`.
    pub fn provider_is_down(&self, now: DateTime<Utc>) -> bool {
        let cause = self.cause_at_connection(now);
        cause.is_some_and(|cause| cause.reason.is_provider_outage())
    }

    /// Returns for how long no cycle has ended although one could have.
    fn silence(&self, now: DateTime<Utc>) -> TimeDelta {
        now - self.listened_until()
    }

    /// Returns the instant until which cycles ran, or had no occasion to.
    fn listened_until(&self) -> DateTime<Utc> {
        self.last_cycle_ended_at
            .map_or(self.polling_possible_since, |ended_at| {
                ended_at.max(self.polling_possible_since)
            })
    }
}

fn cause_of_failure(poll: LastPoll) -> Option<Cause> {
    // A part of an answer may have lacked the very devices that are silent.
    let class = poll.error_class.filter(|_| poll.outcome.has_failed())?;
    class.reason().map(Cause::from)
}

impl ErrorClass {
    /// Returns why the devices of a connection are silent whose poll failed so, if the failure says why.
    pub const fn reason(self) -> Option<Reason> {
        match self {
            Self::CredentialsRejected | Self::CredentialsUnresolved => {
                Some(Reason::ProviderCredentialsRejected)
            }
            Self::RateLimited => Some(Reason::ProviderRateLimited),
            Self::Unavailable
            | Self::Timeout
            | Self::InvalidResponse
            | Self::CursorLoop
            | Self::CircuitOpen => Some(Reason::ProviderUnavailable),
            Self::AddressNotAllowed | Self::Disabled | Self::ProviderNotAllowed => {
                Some(Reason::PollingDisabled)
            }
            Self::NotSupported => None,
        }
    }

    /// Returns whether the failure says that the provider was down.
    pub const fn is_provider_outage(self) -> bool {
        match self.reason() {
            Some(reason) => reason.is_provider_outage(),
            None => false,
        }
    }
}

fn cause_of_stream(stream: StreamState) -> Option<Cause> {
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
fn cause_of_rejection(
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
fn cause_of_answer(device: &DeviceFacts, health: &Health, polling: &PollingFacts) -> Option<Cause> {
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
#[path = "cause_tests/mod.rs"]
mod tests;
