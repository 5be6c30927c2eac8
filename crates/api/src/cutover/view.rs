//! How flags are written and shown.

use chrono::{DateTime, Utc};
use domain::fleet::{
    Cutover, CutoverWarning, DeviceRegistrySource, PollOwner, ProviderMode, ReadOwner,
};
use persistence::WorkspaceRecord;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The four flags.
#[derive(Clone, Copy, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CutoverFlags {
    /// `legacy_sync` or `core`.
    #[schema(value_type = String, example = "core")]
    pub(crate) device_registry_source: DeviceRegistrySource,
    /// `legacy`, `both_shadow` or `core`.
    #[schema(value_type = String, example = "both_shadow")]
    pub(crate) poll_owner: PollOwner,
    /// `legacy` or `core`.
    #[schema(value_type = String, example = "legacy")]
    pub(crate) read_owner: ReadOwner,
    /// `legacy_provider`, `depot_sim` or `mixed`.
    #[schema(value_type = String, example = "mixed")]
    pub(crate) provider_mode: ProviderMode,
}

impl From<CutoverFlags> for Cutover {
    fn from(flags: CutoverFlags) -> Self {
        let CutoverFlags {
            device_registry_source,
            poll_owner,
            read_owner,
            provider_mode,
        } = flags;
        Self {
            device_registry_source,
            poll_owner,
            read_owner,
            provider_mode,
        }
    }
}

impl From<Cutover> for CutoverFlags {
    fn from(flags: Cutover) -> Self {
        let Cutover {
            device_registry_source,
            poll_owner,
            read_owner,
            provider_mode,
        } = flags;
        Self {
            device_registry_source,
            poll_owner,
            read_owner,
            provider_mode,
        }
    }
}

/// The flags with their latest change.
#[derive(Serialize, ToSchema)]
pub(crate) struct CutoverView {
    #[serde(flatten)]
    flags: CutoverFlags,
    version: i64,
    changed_at: DateTime<Utc>,
    changed_by: String,
    /// What somebody should think about.
    #[schema(value_type = Vec<Object>)]
    warnings: Vec<CutoverWarning>,
}

pub(super) fn cutover_view(record: &WorkspaceRecord) -> CutoverView {
    let flags = record.workspace.cutover;
    CutoverView {
        flags: flags.into(),
        version: record.cutover.version,
        changed_at: record.cutover.changed_at,
        changed_by: record.cutover.changed_by.clone(),
        warnings: flags.warnings(),
    }
}
