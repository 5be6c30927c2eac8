//! A silent device, as the worklists show it.

use application::queries::SilentDevice;
use chrono::{DateTime, Utc};
use domain::TimeText;
use domain::fleet::{ProviderType, WorkspaceName};
use domain::health::{Cause, HealthState, Reason, Responsibility};
use domain::ids::{DeviceId, ProviderId, VehicleId, WorkspaceId};
use serde::Serialize;
use utoipa::ToSchema;

use crate::follow_up::FollowUpView;
use crate::openapi::schema;

/// A device that is stale, or has never reported and is past its grace period.
#[derive(Serialize, ToSchema)]
#[schema(as = SilentDevice)]
pub(crate) struct SilentDeviceView {
    #[schema(value_type = schema::WorkspaceId)]
    pub(super) workspace_id: WorkspaceId,
    #[schema(value_type = schema::WorkspaceName)]
    pub(super) workspace_name: WorkspaceName,
    #[schema(value_type = schema::DeviceId)]
    pub(super) device_id: DeviceId,
    #[schema(value_type = schema::VehicleId)]
    pub(super) vehicle_id: VehicleId,
    #[schema(value_type = schema::ProviderId)]
    pub(super) provider_id: ProviderId,
    #[schema(required, value_type = Option<schema::ProviderType>)]
    pub(super) provider_type: Option<ProviderType>,
    #[schema(value_type = schema::HealthState)]
    pub(super) state: HealthState,
    #[schema(required, value_type = Option<schema::Reason>)]
    pub(super) reason: Option<Reason>,
    #[schema(required, value_type = Option<schema::Responsibility>)]
    pub(super) responsibility: Option<Responsibility>,
    #[schema(required, value_type = Option<DateTime<Utc>>)]
    pub(super) last_update_received_at: Option<TimeText>,
    /// Whole minutes since the latest accepted update or, for a device that never reported, since its
    /// activation.
    #[schema(minimum = 0, example = 40)]
    pub(super) silent_minutes: i64,
    #[schema(required, value_type = Option<DateTime<Utc>>)]
    pub(super) last_returned_at: Option<TimeText>,
    #[schema(value_type = DateTime<Utc>)]
    pub(super) configured_at: TimeText,
    #[schema(required, value_type = Option<DateTime<Utc>>, example = json!(null))]
    pub(super) grace_exceeded_at: Option<TimeText>,
    /// What a person should do next.
    #[schema(
        required,
        example = "Ask the customer whether the unit is fitted, powered and still under this id at the provider."
    )]
    pub(super) next_step: Option<&'static str>,
    pub(super) follow_up: FollowUpView,
}

/// The largest number of bytes that one device takes in a JSON answer, unless its ids or note are long.
pub(super) const DEVICE_BYTES: usize = 1024;

pub(super) fn render_silent_device(silent: &SilentDevice, now: DateTime<Utc>) -> SilentDeviceView {
    let device = &silent.device;
    SilentDeviceView {
        workspace_id: silent.workspace_id.clone(),
        workspace_name: silent.workspace_name.clone(),
        device_id: device.row.device_id.clone(),
        vehicle_id: device.row.vehicle_id.clone(),
        provider_id: device.row.provider_id.clone(),
        provider_type: silent.provider_type,
        state: device.health.state,
        reason: device.cause.map(|cause| cause.reason),
        responsibility: device.cause.map(|cause| cause.responsibility),
        last_update_received_at: device.row.facts.last_update_received_at.map(TimeText),
        silent_minutes: (now - silent.silent_since()).num_minutes(),
        last_returned_at: device.last_returned_at.map(TimeText),
        configured_at: TimeText(device.row.configured_at),
        grace_exceeded_at: device.health.grace_exceeded_at.map(TimeText),
        next_step: device.cause.map(Cause::next_step),
        follow_up: FollowUpView::render(silent.follow_up.as_ref()),
    }
}
