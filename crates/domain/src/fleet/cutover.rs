//! Cutover flags: they say who owns the registry, the polls and the reads, and which providers may speak.

use serde::{Deserialize, Serialize};

use crate::fleet::ProviderType;
use crate::vocabulary::words;

words!(
    /// The registry in which devices are managed.
    DeviceRegistrySource {
        /// The reconciliation sweep mirrors the legacy registry; core's device writes are refused.
        LegacySync = "legacy_sync",
        /// Devices are managed through core's API.
        Core = "core",
    }
);

words!(
    /// The service that polls the providers.
    PollOwner {
        /// The legacy service polls; triggered cycles of core end skipped.
        Legacy = "legacy",
        /// Both services poll; each cycle of core is compared with the legacy values.
        BothShadow = "both_shadow",
        /// Core polls.
        Core = "core",
    }
);

words!(
    /// The service whose values readers see.
    ReadOwner {
        /// Readers see the values of the legacy service.
        Legacy = "legacy",
        /// Readers see the values of core.
        Core = "core",
    }
);

words!(
    /// The kind of providers whose updates are accepted.
    ProviderMode {
        /// Updates of real providers alone are accepted.
        LegacyProvider = "legacy_provider",
        /// Updates of the simulator alone are accepted.
        DepotSim = "depot_sim",
        /// Updates of all providers are accepted.
        Mixed = "mixed",
    }
);

impl PollOwner {
    /// Returns whether core runs poll cycles.
    pub const fn core_polls(self) -> bool {
        !matches!(self, Self::Legacy)
    }
}

impl ProviderMode {
    /// Returns whether updates of a provider type are accepted.
    pub const fn allows(self, provider_type: ProviderType) -> bool {
        match self {
            Self::LegacyProvider => !provider_type.is_simulated(),
            Self::DepotSim => provider_type.is_simulated(),
            Self::Mixed => true,
        }
    }
}

/// The four flags of a workspace. They change together or one by one, always with a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cutover {
    /// The registry in which devices are managed.
    pub device_registry_source: DeviceRegistrySource,
    /// The service that polls the providers.
    pub poll_owner: PollOwner,
    /// The service whose values readers see.
    pub read_owner: ReadOwner,
    /// The kind of providers whose updates are accepted.
    pub provider_mode: ProviderMode,
}

/// A new workspace belongs to the legacy service in everything.
impl Default for Cutover {
    fn default() -> Self {
        Self {
            device_registry_source: DeviceRegistrySource::LegacySync,
            poll_owner: PollOwner::Legacy,
            read_owner: ReadOwner::Legacy,
            provider_mode: ProviderMode::LegacyProvider,
        }
    }
}

/// New values for some of the flags.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CutoverPatch {
    /// The new value, if the flag changes.
    pub device_registry_source: Option<DeviceRegistrySource>,
    /// The new value, if the flag changes.
    pub poll_owner: Option<PollOwner>,
    /// The new value, if the flag changes.
    pub read_owner: Option<ReadOwner>,
    /// The new value, if the flag changes.
    pub provider_mode: Option<ProviderMode>,
}

/// A combination of flags that is allowed and that somebody should think about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct CutoverWarning {
    /// The kind of the warning; an open vocabulary.
    pub code: &'static str,
    /// The explanation for people.
    pub detail: &'static str,
}

impl Cutover {
    /// Returns these flags with some of them replaced.
    #[must_use]
    pub fn with(self, patch: CutoverPatch) -> Self {
        Self {
            device_registry_source: patch
                .device_registry_source
                .unwrap_or(self.device_registry_source),
            poll_owner: patch.poll_owner.unwrap_or(self.poll_owner),
            read_owner: patch.read_owner.unwrap_or(self.read_owner),
            provider_mode: patch.provider_mode.unwrap_or(self.provider_mode),
        }
    }

    /// Returns these flags with reads and polls given back to the legacy service. Registry and provider mode
    /// stay as they are.
    #[must_use]
    pub fn rolled_back(self) -> Self {
        Self {
            read_owner: ReadOwner::Legacy,
            poll_owner: PollOwner::Legacy,
            ..self
        }
    }

    /// Returns what is risky about this combination of flags.
    pub fn warnings(self) -> Vec<CutoverWarning> {
        let mut warnings = Vec::new();
        if self.read_owner == ReadOwner::Core && !self.poll_owner.core_polls() {
            warnings.push(CutoverWarning {
                code: "reads_without_polls",
                detail: "core answers reads while the legacy service polls: polled devices will go stale in core",
            });
        }
        if self.read_owner == ReadOwner::Core && self.poll_owner == PollOwner::BothShadow {
            warnings.push(CutoverWarning {
                code: "reads_in_shadow",
                detail: "core answers reads while its polls still run in shadow beside the legacy service",
            });
        }
        if self.read_owner == ReadOwner::Legacy && self.poll_owner == PollOwner::Core {
            warnings.push(CutoverWarning {
                code: "legacy_reads_unfed",
                detail: "the legacy service answers reads but no longer polls: its values will age",
            });
        }
        if self.poll_owner.core_polls() && self.provider_mode == ProviderMode::DepotSim {
            warnings.push(CutoverWarning {
                code: "simulated_only",
                detail: "only the simulator's updates are accepted: real providers of this workspace are refused",
            });
        }
        warnings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_mode_admits_its_own_kind() {
        use ProviderMode::{DepotSim, LegacyProvider, Mixed};
        for (mode, simulator, real) in [
            (LegacyProvider, false, true),
            (DepotSim, true, false),
            (Mixed, true, true),
        ] {
            assert_eq!(mode.allows(ProviderType::DepotSim), simulator, "{mode}");
            assert_eq!(mode.allows(ProviderType::Geotab), real, "{mode}");
        }
    }

    #[test]
    fn a_rollback_touches_reads_and_polls_only() {
        let cut_over = Cutover {
            device_registry_source: DeviceRegistrySource::Core,
            poll_owner: PollOwner::Core,
            read_owner: ReadOwner::Core,
            provider_mode: ProviderMode::Mixed,
        };
        let back = cut_over.rolled_back();
        assert_eq!(
            (back.poll_owner, back.read_owner),
            (PollOwner::Legacy, ReadOwner::Legacy)
        );
        assert_eq!(back.device_registry_source, DeviceRegistrySource::Core);
        assert_eq!(back.provider_mode, ProviderMode::Mixed);
        assert!(cut_over.warnings().is_empty());
        let codes: Vec<_> = Cutover {
            poll_owner: PollOwner::Legacy,
            ..cut_over
        }
        .warnings()
        .iter()
        .map(|w| w.code)
        .collect();
        assert_eq!(codes, ["reads_without_polls"]);
    }
}
