//! `GET /workspaces/{workspace_id}/rejections`

use std::collections::BTreeMap;

use application::queries::{self, Rejections};
use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use domain::TimeText;
use domain::acceptance::{KeptRejection, RejectReason, RejectionFilter};
use domain::ids::{CycleId, DeviceId, ExternalId, ProviderId, WorkspaceId};
use serde::Serialize;
use utoipa::ToSchema;

use crate::openapi::schema;
use crate::problem::Problem;
use crate::request::{ListName, PageParameters, Paged, Path1, Query, query_parameters};
use crate::state::SharedState;

query_parameters! {
    /// Which rejections are listed.
    pub(crate) struct RejectionParameters {
        /// Only what was refused for this reason.
        reason: RejectReason,
        /// Only what names this connection.
        provider: ProviderId,
        /// Only this device.
        device: DeviceId,
    }
}

/// What was refused of a workspace's updates, by reason and whom it was about.
#[derive(Serialize, ToSchema)]
pub(crate) struct RejectionList {
    rejections: Vec<RejectionView>,
    /// Refused updates by reason, all there ever were: whatever the filter, and also those that are no
    /// longer kept.
    #[schema(value_type = BTreeMap<String, i64>, example = json!({"future_timestamp": 12, "unknown_device": 288}))]
    counts: BTreeMap<&'static str, i64>,
    #[schema(required)]
    next_cursor: Option<String>,
}

/// Refusals for one reason and about one sender or device. The 1,000 last seen of a reason are kept, of
/// unknown devices the 1,000 last seen of each connection, and all that are about configured devices.
#[derive(Serialize, ToSchema)]
pub(crate) struct RejectionView {
    #[schema(value_type = schema::RejectReason)]
    reason: RejectReason,
    /// As the sender named it; not told where the device was found.
    #[schema(required, value_type = Option<schema::ProviderId>)]
    provider_id: Option<ProviderId>,
    /// As the sender named it; not told where the device was found.
    #[schema(required, value_type = Option<schema::ExternalId>)]
    external_id: Option<ExternalId>,
    /// The configured device where it was found, else as the sender named it.
    #[schema(required, value_type = Option<schema::DeviceId>)]
    device_id: Option<DeviceId>,
    /// RFC 6901 pointer within the item, where it was malformed; cut to 200 characters.
    #[schema(required, example = json!(null))]
    pointer: Option<String>,
    /// The words for the sender, of the latest; cut to 200 characters.
    #[schema(example = "observed_at is more than 300 s ahead of core's clock")]
    detail: String,
    #[schema(example = 12)]
    count: i64,
    first_seen_at: DateTime<Utc>,
    last_seen_at: DateTime<Utc>,
    /// The provider's event time, of the latest that had a readable one in its batch.
    #[schema(required, value_type = Option<DateTime<Utc>>)]
    observed_at: Option<TimeText>,
    /// The cycle that the latest came with; null where it was pushed.
    #[schema(required, value_type = Option<schema::CycleId>)]
    cycle_id: Option<CycleId>,
    /// W3C trace id of what brought the latest.
    #[schema(required, example = "0af7651916cd43dd8448eb211c80319c")]
    trace_id: Option<String>,
}

/// Lists what was refused, in order of reason, connection and device.
#[utoipa::path(
    get, path = "/api/telematics-mvp/workspaces/{workspace_id}/rejections", tag = "rejections",
    params(RejectionParameters, PageParameters),
    responses((status = 200, body = RejectionList)),
)]
pub(crate) async fn list_rejections(
    State(state): SharedState,
    Path1(workspace_id): Path1<WorkspaceId>,
    list: ListName,
    Query((parameters, page)): Query<(RejectionParameters, PageParameters)>,
) -> Result<Json<RejectionList>, Problem> {
    let paged = Paged::try_new(list, page, state.core.clock.now())?;
    let filter = RejectionFilter {
        reason: parameters.reason,
        provider_id: parameters.provider,
        device_id: parameters.device,
    };
    let Rejections { page, counts } =
        queries::list_rejections(&state.core, &workspace_id, &filter, paged.request()).await?;
    let (rejections, next_cursor) = paged.render(page, rejection_view);
    Ok(Json(RejectionList {
        rejections,
        counts: counts
            .into_iter()
            .map(|(reason, count)| (reason.as_str(), count))
            .collect(),
        next_cursor,
    }))
}

fn rejection_view(kept: KeptRejection) -> RejectionView {
    RejectionView {
        reason: kept.key.reason,
        provider_id: kept.key.provider_id,
        external_id: kept.key.external_id,
        device_id: kept.key.device_id,
        pointer: kept.key.pointer,
        detail: kept.detail,
        count: kept.count,
        first_seen_at: kept.first_seen_at,
        last_seen_at: kept.last_seen_at,
        observed_at: kept.observed_at.map(TimeText),
        cycle_id: kept.cycle_id,
        trace_id: kept.trace_id,
    }
}
