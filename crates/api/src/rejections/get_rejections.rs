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
    /// The filter of `GET …/rejections`.
    pub(crate) struct RejectionParameters {
        /// Only rejections for this reason.
        reason: RejectReason,
        /// Only rejections of updates that name this connection.
        provider: ProviderId,
        /// Only rejections of updates of this device.
        device: DeviceId,
    }
}

/// The rejected updates of a workspace, grouped by reason and by sender or device.
#[derive(Serialize, ToSchema)]
pub(crate) struct RejectionList {
    rejections: Vec<RejectionView>,
    /// The number of updates ever rejected for each reason, whatever the filter. Rejections that are no longer kept
    /// are counted too.
    #[schema(value_type = BTreeMap<String, i64>, example = json!({"future_timestamp": 12, "unknown_device": 288}))]
    counts: BTreeMap<&'static str, i64>,
    #[schema(required)]
    next_cursor: Option<String>,
}

/// The rejections for one reason and of one sender or device. All entries about configured devices are kept. Of the
/// others, the 1,000 last seen for each reason are kept; for unknown devices, the 1,000 last seen of each connection.
#[derive(Serialize, ToSchema)]
pub(crate) struct RejectionView {
    #[schema(value_type = schema::RejectReason)]
    reason: RejectReason,
    /// The connection as the sender named it; `null` if the device was found.
    #[schema(required, value_type = Option<schema::ProviderId>)]
    provider_id: Option<ProviderId>,
    /// The external id as the sender named it; `null` if the device was found.
    #[schema(required, value_type = Option<schema::ExternalId>)]
    external_id: Option<ExternalId>,
    /// The configured device if it was found, otherwise the device as the sender named it.
    #[schema(required, value_type = Option<schema::DeviceId>)]
    device_id: Option<DeviceId>,
    /// The RFC 6901 pointer to the error in a malformed item; cut to 200 characters.
    #[schema(required, example = json!(null))]
    pointer: Option<String>,
    /// The detail of the latest rejection, as its sender got it; cut to 200 characters.
    #[schema(example = "observed_at is more than 300 s ahead of core's clock")]
    detail: String,
    #[schema(example = 12)]
    count: i64,
    first_seen_at: DateTime<Utc>,
    last_seen_at: DateTime<Utc>,
    /// The event time of the latest rejected update that had a valid one.
    #[schema(required, value_type = Option<DateTime<Utc>>)]
    observed_at: Option<TimeText>,
    /// The cycle that brought the latest rejected update; `null` if it was pushed.
    #[schema(required, value_type = Option<schema::CycleId>)]
    cycle_id: Option<CycleId>,
    /// The W3C trace id of the request or cycle that brought the latest rejected update.
    #[schema(required, example = "0af7651916cd43dd8448eb211c80319c")]
    trace_id: Option<String>,
}

/// Lists the rejected updates of a workspace, in order of reason, connection and device.
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
    let (rejections, next_cursor) = paged.render(page, render_rejection);
    Ok(Json(RejectionList {
        rejections,
        counts: counts
            .into_iter()
            .map(|(reason, count)| (reason.as_str(), count))
            .collect(),
        next_cursor,
    }))
}

fn render_rejection(kept: KeptRejection) -> RejectionView {
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
