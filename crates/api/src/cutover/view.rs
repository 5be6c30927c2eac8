//! The cutover flags, as requests and answers write them.

use chrono::{DateTime, Utc};
use domain::fleet::{
    Cutover, CutoverWarning, DeviceRegistrySource, PollOwner, ProviderMode, ReadOwner,
    WorkspaceRecord,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::openapi::schema;

/// The four cutover flags.
#[derive(Clone, Copy, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CutoverFlags {
    #[schema(value_type = schema::DeviceRegistrySource)]
    pub(crate) device_registry_source: DeviceRegistrySource,
    #[schema(value_type = schema::PollOwner)]
    pub(crate) poll_owner: PollOwner,
    #[schema(value_type = schema::ReadOwner)]
    pub(crate) read_owner: ReadOwner,
    #[schema(value_type = schema::ProviderMode)]
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

/// A warning about a combination of flags that is allowed and may be a mistake.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "the documented shape of `domain::fleet::CutoverWarning`"
)]
pub(crate) struct CutoverWarningView {
    /// The code of the warning. New codes may be added.
    #[schema(example = "reads_in_shadow")]
    code: String,
    /// The warning in words for people.
    #[schema(
        example = "core answers reads while its polls still run in shadow beside the legacy service"
    )]
    detail: String,
}

/// The flags and their latest change.
#[derive(Serialize, ToSchema)]
pub(crate) struct CutoverView {
    #[schema(value_type = schema::DeviceRegistrySource)]
    device_registry_source: DeviceRegistrySource,
    #[schema(value_type = schema::PollOwner)]
    poll_owner: PollOwner,
    #[schema(value_type = schema::ReadOwner)]
    read_owner: ReadOwner,
    #[schema(value_type = schema::ProviderMode)]
    provider_mode: ProviderMode,
    #[schema(example = 7)]
    version: i64,
    changed_at: DateTime<Utc>,
    #[schema(example = "person:3f6d1c2e")]
    changed_by: String,
    /// Warnings about this combination of flags.
    #[schema(value_type = Vec<CutoverWarningView>)]
    warnings: Vec<CutoverWarning>,
}

pub(super) fn render_cutover(record: &WorkspaceRecord) -> CutoverView {
    let flags = record.workspace.cutover;
    CutoverView {
        device_registry_source: flags.device_registry_source,
        poll_owner: flags.poll_owner,
        read_owner: flags.read_owner,
        provider_mode: flags.provider_mode,
        version: record.cutover.version,
        changed_at: record.cutover.changed_at,
        changed_by: record.cutover.changed_by.clone(),
        warnings: flags.warnings(),
    }
}
