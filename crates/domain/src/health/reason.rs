//! The words of causes: why a device is not healthy, who is responsible, and what to do.

use super::Severity;
use crate::acceptance::RejectReason;
use crate::vocabulary::words;

words!(
    /// The root cause of a device that is not healthy; an open vocabulary. Causes are looked for in this
    /// order.
    Reason {
        /// The flags, the connection or the workspace keep core from polling.
        PollingDisabled = "polling_disabled",
        /// The cycles of the workspace have stopped.
        CyclesNotRunning = "cycles_not_running",
        /// The provider refused our credential, or we could not find it.
        ProviderCredentialsRejected = "provider_credentials_rejected",
        /// The provider failed or could not be reached.
        ProviderUnavailable = "provider_unavailable",
        /// The provider asked for fewer requests.
        ProviderRateLimited = "provider_rate_limited",
        /// The provider's stream is not connected.
        StreamDisconnected = "stream_disconnected",
        /// The provider's stream is connected and brings nothing.
        StreamSilent = "stream_silent",
        /// The device's updates arrive and are refused.
        UpdatesRejected = "updates_rejected",
        /// The poll worked, and the device was not in the answer.
        NotReturnedByProvider = "not_returned_by_provider",
        /// The device was in the answer, with the same old reading.
        NoNewReading = "no_new_reading",
        /// Readings arrive long after they were observed.
        ProviderLag = "provider_lag",
        /// No poll has finished since the device was activated.
        AwaitingFirstPoll = "awaiting_first_poll",
        /// The records do not tell.
        Unknown = "unknown",
    }
);

words!(
    /// The party that must mend a cause.
    Responsibility {
        /// The platform must mend the cause.
        Ours = "ours",
        /// The telematics provider must mend the cause.
        Provider = "provider",
        /// The device, and so the operator of its vehicle, must mend the cause.
        Device = "device",
    }
);

/// A root cause with what follows from the records beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cause {
    /// The reason.
    pub reason: Reason,
    /// The party that must mend it.
    pub responsibility: Responsibility,
    /// The reason why updates are refused, for [`Reason::UpdatesRejected`].
    pub rejection: Option<RejectReason>,
}

impl From<Reason> for Cause {
    fn from(reason: Reason) -> Self {
        Self {
            reason,
            responsibility: reason.responsibility(),
            rejection: None,
        }
    }
}

impl Cause {
    /// Returns what a person can do about the cause.
    pub const fn next_step(self) -> &'static str {
        match self.rejection {
            Some(RejectReason::FutureTimestamp) => {
                "Ask whoever runs the unit to set its clock: its readings carry times that are ahead of ours. The rejection shows by how much."
            }
            Some(RejectReason::InvalidTimestamp) => {
                "Ask whoever runs the unit to check its clock and firmware: its readings carry no time, or one before 2015."
            }
            Some(RejectReason::NoValidSignals) => {
                "Check the unit's signal configuration at the provider: none of its values can be used. The rejection names them."
            }
            _ if matches!(self.reason, Reason::StreamDisconnected)
                && matches!(self.responsibility, Responsibility::Provider) =>
            {
                "Ask the provider why it refuses the stream; most often the account may no longer use it."
            }
            _ => self.reason.next_step(),
        }
    }
}

impl Reason {
    /// Returns who must mend the cause, unless the records say otherwise.
    const fn responsibility(self) -> Responsibility {
        match self {
            Self::PollingDisabled
            | Self::CyclesNotRunning
            | Self::ProviderCredentialsRejected
            | Self::StreamDisconnected
            | Self::AwaitingFirstPoll
            | Self::Unknown => Responsibility::Ours,
            Self::ProviderUnavailable
            | Self::ProviderRateLimited
            | Self::StreamSilent
            | Self::ProviderLag => Responsibility::Provider,
            Self::UpdatesRejected | Self::NotReturnedByProvider | Self::NoNewReading => {
                Responsibility::Device
            }
        }
    }

    const fn next_step(self) -> &'static str {
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
            Self::StreamDisconnected => {
                "Tell the platform team: the stream of this connection is down, and nobody refused it."
            }
            Self::StreamSilent => {
                "Ask the provider why its stream is open and brings nothing; vehicles that are all parked can be the answer."
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

    /// Returns the urgency of the cause by itself. What silences a whole connection or workspace is to be
    /// acted on, however short the silence is yet.
    pub const fn severity(self) -> Severity {
        match self {
            Self::CyclesNotRunning
            | Self::ProviderCredentialsRejected
            | Self::ProviderUnavailable
            | Self::StreamDisconnected => Severity::Error,
            Self::ProviderRateLimited | Self::StreamSilent | Self::ProviderLag => Severity::Warning,
            Self::PollingDisabled
            | Self::UpdatesRejected
            | Self::NotReturnedByProvider
            | Self::NoNewReading
            | Self::AwaitingFirstPoll
            | Self::Unknown => Severity::Info,
        }
    }

    /// Returns whether NFR-001 leaves out the devices with this cause: their provider is down.
    pub const fn is_provider_outage(self) -> bool {
        matches!(self, Self::ProviderUnavailable)
    }
}
