//! The silent device, as the lists show it, and the filter of the lists.

use chrono::{DateTime, TimeDelta, Utc};
use domain::fleet::{ProviderType, ReadOwner, WorkspaceName};
use domain::follow_up::WrittenFollowUp;
use domain::health::{Reason, Responsibility, WorklistPosition};
use domain::ids::{ProviderId, WorkspaceId};

use crate::queries::DeviceHealth;

/// A filter of silent devices; an absent member leaves out nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WorklistFilter {
    /// Only devices of this workspace.
    pub workspace_id: Option<WorkspaceId>,
    /// Only devices of connections of this name, or of this type.
    pub provider: Option<ProviderId>,
    /// Only devices with this root cause.
    pub reason: Option<Reason>,
    /// Only devices whose root cause this party has to mend.
    pub responsibility: Option<Responsibility>,
    /// Only devices that have been silent for at least this time.
    pub silent_for: TimeDelta,
    /// Also devices of workspaces whose reads are not core's.
    pub not_cut_over: bool,
}

/// A device that is stale or never reported.
#[derive(Clone, Debug)]
pub struct SilentDevice {
    /// The workspace of the device.
    pub workspace_id: WorkspaceId,
    /// The name of the workspace.
    pub workspace_name: WorkspaceName,
    /// The protocol of the device's connection.
    pub provider_type: Option<ProviderType>,
    /// The health of the device.
    pub device: DeviceHealth,
    /// What has been done about this silence.
    pub follow_up: Option<WrittenFollowUp>,
}

impl WorklistFilter {
    /// Returns the filter of one workspace's own list, which holds its silent devices whoever owns its reads.
    #[must_use]
    pub fn of_workspace(self, id: &WorkspaceId) -> Self {
        Self {
            workspace_id: Some(id.clone()),
            not_cut_over: true,
            ..self
        }
    }

    /// Returns the read owners of the workspaces whose devices are listed.
    pub(super) fn read_owners(&self) -> &'static [ReadOwner] {
        if self.not_cut_over {
            ReadOwner::ALL
        } else {
            &[ReadOwner::Core]
        }
    }

    /// Returns whether the filter asks for a root cause, which the store cannot compute.
    pub(super) fn is_by_cause(&self) -> bool {
        self.reason.is_some() || self.responsibility.is_some()
    }

    /// Returns whether a device is listed. Every device of a list is checked, since the store filters only in part.
    pub(super) fn admits(&self, silent: &SilentDevice, now: DateTime<Utc>) -> bool {
        let DeviceHealth {
            row, health, cause, ..
        } = &silent.device;
        let of_provider = self.provider.as_ref().is_none_or(|wanted| {
            row.provider_id == *wanted
                || silent.provider_type.map(ProviderType::as_str) == Some(wanted.as_str())
        });
        health.state.is_silence()
            && of_provider
            && now - row.facts.silent_since() >= self.silent_for
            && self
                .reason
                .is_none_or(|wanted| cause.is_some_and(|cause| cause.reason == wanted))
            && self
                .responsibility
                .is_none_or(|wanted| cause.is_some_and(|cause| cause.responsibility == wanted))
    }
}

impl SilentDevice {
    /// Returns the position of the device in the list.
    pub fn position(&self) -> WorklistPosition {
        WorklistPosition {
            silent_since: self.silent_since(),
            workspace_id: self.workspace_id.clone(),
            device_id: self.device.row.device_id.clone(),
        }
    }

    /// Returns the beginning of the silence.
    pub fn silent_since(&self) -> DateTime<Utc> {
        self.device.row.facts.silent_since()
    }
}
