//! Why a device is not healthy, as far as the persisted records can tell, and whose it is.

use chrono::{DateTime, TimeDelta, Utc};

use super::{DeviceFacts, Health, HealthState};
use crate::polling::{ConnectionOutcome, ErrorClass, PollInterval};
use crate::vocabulary::words;

words!(
    /// The root cause; an open vocabulary.
    Reason {
        /// Flags, the connection or the workspace keep core from polling.
        PollingDisabled = "polling_disabled",
        /// Cycles of the workspace have stopped.
        CyclesNotRunning = "cycles_not_running",
        /// The provider refused our credential, or we could not find it.
        ProviderCredentialsRejected = "provider_credentials_rejected",
        /// The provider failed or could not be reached.
        ProviderUnavailable = "provider_unavailable",
        /// The provider asked for fewer requests.
        ProviderRateLimited = "provider_rate_limited",
        /// Its updates arrive and are refused.
        UpdatesRejected = "updates_rejected",
        /// The poll worked; this device was not in the answer.
        NotReturnedByProvider = "not_returned_by_provider",
        /// It was in the answer, with the same old reading.
        NoNewReading = "no_new_reading",
        /// Readings arrive long after they were observed.
        ProviderLag = "provider_lag",
        /// No poll has finished since it was activated.
        AwaitingFirstPoll = "awaiting_first_poll",
        /// The records do not tell.
        Unknown = "unknown",
    }
);

words!(
    /// Whose a cause is to mend.
    Responsibility {
        /// The platform's.
        Ours = "ours",
        /// The telematics provider's.
        Provider = "provider",
        /// The device's, and so its vehicle's operator's.
        Device = "device",
    }
);

impl Reason {
    /// Whose it is.
    pub const fn responsibility(self) -> Responsibility {
        match self {
            Self::PollingDisabled
            | Self::CyclesNotRunning
            | Self::ProviderCredentialsRejected
            | Self::AwaitingFirstPoll
            | Self::Unknown => Responsibility::Ours,
            Self::ProviderUnavailable | Self::ProviderRateLimited | Self::ProviderLag => {
                Responsibility::Provider
            }
            Self::UpdatesRejected | Self::NotReturnedByProvider | Self::NoNewReading => {
                Responsibility::Device
            }
        }
    }

    /// What a person can do about it.
    pub const fn next_step(self) -> &'static str {
        match self {
            Self::PollingDisabled => {
                "Check the workspace's cutover flags and whether the connection is enabled; turn polling on if this fleet should be live."
            }
            Self::CyclesNotRunning => {
                "Tell the platform team: this workspace's poll cycles have stopped. The last cycle is in its cycle list."
            }
            Self::ProviderCredentialsRejected => {
                "Renew the connection's credential at the provider and store it under the connection's credential reference."
            }
            Self::ProviderUnavailable => {
                "Check the provider's status page; if the outage lasts, call the provider with the time of the first failed cycle."
            }
            Self::ProviderRateLimited => {
                "Ask the provider for a higher request limit, or lengthen the workspace's poll interval."
            }
            Self::UpdatesRejected => {
                "Read the rejection's reason; most often the unit's clock or its signal configuration is wrong."
            }
            Self::NotReturnedByProvider => {
                "Ask the customer whether the unit is fitted, powered and still under this id at the provider."
            }
            Self::NoNewReading => {
                "Ask the customer to check the vehicle: the provider knows the unit, but it sends nothing new."
            }
            Self::ProviderLag => {
                "Tell the provider that readings arrive late, with the observed and the received time of one."
            }
            Self::AwaitingFirstPoll => {
                "Nothing yet: the next poll cycle is the first one for this device."
            }
            Self::Unknown => {
                "Tell the platform team: the records of this workspace do not explain the silence."
            }
        }
    }

    /// Whether NFR-001 leaves the device out: its provider is down.
    pub const fn is_provider_outage(self) -> bool {
        matches!(self, Self::ProviderUnavailable)
    }
}

/// The latest finished poll of a device's connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastPoll {
    /// When its cycle started.
    pub started_at: DateTime<Utc>,
    /// How the connection fared.
    pub outcome: ConnectionOutcome,
    /// Why, unless ok.
    pub error_class: Option<ErrorClass>,
}

/// What the records say of how a device is polled.
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
    /// Whether the latest answer of the provider lacked this device.
    pub absent: bool,
    /// Whether the latest poll brought nothing of this device but rejected updates.
    pub rejected: bool,
}

/// The first reason that fits; `None` for a healthy device.
pub fn root_cause(
    device: &DeviceFacts,
    health: &Health,
    polling: &PollingFacts,
    now: DateTime<Utc>,
) -> Option<Reason> {
    if health.state == HealthState::Healthy {
        return None;
    }
    if !polling.polling_enabled {
        return Some(Reason::PollingDisabled);
    }
    let silent_since = polling
        .last_cycle_ended_at
        .map_or(polling.polling_possible_since, |ended_at| {
            ended_at.max(polling.polling_possible_since)
        });
    if now - silent_since > polling.interval.as_delta() * 2 + TimeDelta::seconds(60) {
        return Some(Reason::CyclesNotRunning);
    }
    let Some(poll) = polling.last_poll else {
        return Some(Reason::AwaitingFirstPoll);
    };
    if poll.outcome == ConnectionOutcome::Failed {
        return Some(of_failure(poll.error_class));
    }
    let lagging = health.lag.is_some_and(|lag| lag > health.stale_after)
        && health.age.is_some_and(|age| age <= health.delayed_after);
    let polled_since_activation = poll.started_at >= device.activated_at;
    let silent_in_poll = polled_since_activation
        && poll.outcome == ConnectionOutcome::Ok
        && device
            .last_update_received_at
            .is_none_or(|received_at| received_at < poll.started_at);
    Some(if silent_in_poll && polling.rejected {
        Reason::UpdatesRejected
    } else if silent_in_poll && polling.absent {
        Reason::NotReturnedByProvider
    } else if silent_in_poll && !lagging {
        Reason::NoNewReading
    } else if health.state == HealthState::Delayed
        && health.age.is_some_and(|age| age <= health.delayed_after)
    {
        Reason::ProviderLag
    } else if !polled_since_activation {
        Reason::AwaitingFirstPoll
    } else {
        Reason::Unknown
    })
}

const fn of_failure(class: Option<ErrorClass>) -> Reason {
    match class {
        Some(ErrorClass::CredentialsRejected | ErrorClass::CredentialsUnresolved) => {
            Reason::ProviderCredentialsRejected
        }
        Some(ErrorClass::RateLimited) => Reason::ProviderRateLimited,
        Some(
            ErrorClass::Unavailable
            | ErrorClass::Timeout
            | ErrorClass::InvalidResponse
            | ErrorClass::CursorLoop
            | ErrorClass::CircuitOpen,
        ) => Reason::ProviderUnavailable,
        Some(
            ErrorClass::AddressNotAllowed | ErrorClass::Disabled | ErrorClass::ProviderNotAllowed,
        ) => Reason::PollingDisabled,
        Some(ErrorClass::NotSupported) | None => Reason::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::Policy;
    use crate::health::evaluate;
    use chrono::TimeZone;

    fn now() -> DateTime<Utc> {
        Utc.with_ymd_and_hms(2026, 11, 23, 8, 0, 0)
            .single()
            .expect("a time")
    }

    fn ago(minutes: i64) -> DateTime<Utc> {
        now() - TimeDelta::minutes(minutes)
    }

    fn silent_for(minutes: i64) -> DeviceFacts {
        DeviceFacts {
            activated_at: ago(24 * 60),
            last_update_received_at: Some(ago(minutes)),
            newest_observed_at: Some(ago(minutes)),
            declared_interval_minutes: None,
        }
    }

    fn polled_well() -> PollingFacts {
        PollingFacts {
            polling_enabled: true,
            polling_possible_since: ago(24 * 60),
            interval: PollInterval::DEFAULT,
            last_cycle_ended_at: Some(ago(2)),
            last_poll: Some(LastPoll {
                started_at: ago(2),
                outcome: ConnectionOutcome::Ok,
                error_class: None,
            }),
            absent: false,
            rejected: false,
        }
    }

    fn failed(class: ErrorClass) -> PollingFacts {
        let last_poll = LastPoll {
            started_at: ago(2),
            outcome: ConnectionOutcome::Failed,
            error_class: Some(class),
        };
        PollingFacts {
            last_poll: Some(last_poll),
            ..polled_well()
        }
    }

    fn silent() -> DeviceFacts {
        silent_for(20)
    }

    fn never() -> DeviceFacts {
        DeviceFacts {
            last_update_received_at: None,
            newest_observed_at: None,
            ..silent()
        }
    }

    fn fresh() -> DeviceFacts {
        DeviceFacts {
            activated_at: ago(1),
            ..never()
        }
    }

    fn late() -> DeviceFacts {
        DeviceFacts {
            newest_observed_at: Some(ago(40)),
            ..silent_for(2)
        }
    }

    /// A device as it is named, with its polls, and the cause that is to be told.
    type Case = (&'static str, DeviceFacts, PollingFacts, Option<Reason>);

    fn assert_causes(cases: impl IntoIterator<Item = Case>) {
        for (name, device, polling, expected) in cases {
            let health = evaluate(&device, Policy::default(), now());
            assert_eq!(
                root_cause(&device, &health, &polling, now()),
                expected,
                "{name}"
            );
        }
    }

    #[test]
    fn what_stops_us_from_asking_comes_first() {
        assert_causes([
            ("healthy", silent_for(3), polled_well(), None),
            (
                "switched off",
                silent(),
                PollingFacts {
                    polling_enabled: false,
                    ..failed(ErrorClass::Unavailable)
                },
                Some(Reason::PollingDisabled),
            ),
            (
                "cycles stopped",
                silent(),
                PollingFacts {
                    last_cycle_ended_at: Some(ago(12)),
                    ..failed(ErrorClass::Unavailable)
                },
                Some(Reason::CyclesNotRunning),
            ),
            (
                "cycles just short of stopped",
                silent(),
                PollingFacts {
                    last_cycle_ended_at: Some(ago(11)),
                    ..polled_well()
                },
                Some(Reason::NoNewReading),
            ),
            (
                "no cycle ever",
                silent(),
                PollingFacts {
                    last_cycle_ended_at: None,
                    last_poll: None,
                    ..polled_well()
                },
                Some(Reason::CyclesNotRunning),
            ),
            (
                "polling was only just turned on",
                silent(),
                PollingFacts {
                    polling_possible_since: ago(1),
                    last_cycle_ended_at: None,
                    last_poll: None,
                    ..polled_well()
                },
                Some(Reason::AwaitingFirstPoll),
            ),
        ]);
    }

    #[test]
    fn a_failed_provider_comes_before_what_its_devices_do() {
        assert_causes([
            (
                "refused",
                silent(),
                failed(ErrorClass::CredentialsRejected),
                Some(Reason::ProviderCredentialsRejected),
            ),
            (
                "not found",
                silent(),
                failed(ErrorClass::CredentialsUnresolved),
                Some(Reason::ProviderCredentialsRejected),
            ),
            (
                "down",
                silent(),
                failed(ErrorClass::Unavailable),
                Some(Reason::ProviderUnavailable),
            ),
            (
                "hanging",
                silent(),
                failed(ErrorClass::Timeout),
                Some(Reason::ProviderUnavailable),
            ),
            (
                "garbage",
                silent(),
                failed(ErrorClass::InvalidResponse),
                Some(Reason::ProviderUnavailable),
            ),
            (
                "pages in a circle",
                silent(),
                failed(ErrorClass::CursorLoop),
                Some(Reason::ProviderUnavailable),
            ),
            (
                "limited",
                silent(),
                failed(ErrorClass::RateLimited),
                Some(Reason::ProviderRateLimited),
            ),
            (
                "down for a device that never reported",
                never(),
                failed(ErrorClass::Unavailable),
                Some(Reason::ProviderUnavailable),
            ),
        ]);
    }

    #[test]
    fn what_the_provider_said_of_the_device_comes_last() {
        assert_causes([
            (
                "rejected",
                silent(),
                PollingFacts {
                    rejected: true,
                    absent: true,
                    ..polled_well()
                },
                Some(Reason::UpdatesRejected),
            ),
            (
                "absent",
                silent(),
                PollingFacts {
                    absent: true,
                    ..polled_well()
                },
                Some(Reason::NotReturnedByProvider),
            ),
            (
                "never in an answer",
                never(),
                PollingFacts {
                    absent: true,
                    ..polled_well()
                },
                Some(Reason::NotReturnedByProvider),
            ),
            (
                "same old reading",
                silent(),
                polled_well(),
                Some(Reason::NoNewReading),
            ),
            ("late", late(), polled_well(), Some(Reason::ProviderLag)),
            (
                "not polled since activation",
                fresh(),
                polled_well(),
                Some(Reason::AwaitingFirstPoll),
            ),
        ]);
    }
}
