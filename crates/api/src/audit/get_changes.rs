//! `GET /audit`

use application::queries;
use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use domain::events::{ChangeFilter, EventType, RecordedChange};
use domain::ids::{DeviceId, EventId, WorkspaceId};
use serde::Serialize;
use utoipa::ToSchema;

use crate::openapi::schema;
use crate::problem::Problem;
use crate::request::{ListName, PageQuery, Paged, Params, Query, QueryParams};
use crate::state::SharedState;

/// A list's filter and cut.
pub(crate) struct AuditQuery {
    filter: ChangeFilter,
    page: PageQuery,
}

impl QueryParams for AuditQuery {
    fn read(params: &mut Params) -> Self {
        let filter = ChangeFilter {
            workspace_id: params.read("workspace", WorkspaceId::RULE, |text| {
                WorkspaceId::try_new(text).ok()
            }),
            change_type: params.word("type", EventType::CHANGES, EventType::parse_change),
            changed_by: params.read(
                "changed_by",
                "must be an author, as changed_by names it",
                |text| {
                    let named = !text.is_empty() && !text.contains(char::is_control);
                    named.then(|| text.to_owned())
                },
            ),
            device_id: params.read("device", DeviceId::RULE, |text| {
                DeviceId::try_new(text).ok()
            }),
            from: params.time("from"),
            to: params.time("to"),
        };
        Self {
            filter,
            page: PageQuery::read(params),
        }
    }
}

/// Changes, newest first.
#[derive(Serialize, ToSchema)]
pub(crate) struct RecordedChangeList {
    changes: Vec<RecordedChangeView>,
    #[schema(required)]
    next_cursor: Option<String>,
}

/// Somebody's doing: a change of configuration, or a poll cycle asked for by hand.
#[derive(Serialize, ToSchema)]
pub(crate) struct RecordedChangeView {
    at: DateTime<Utc>,
    #[serde(rename = "type")]
    #[schema(value_type = schema::ChangeType)]
    change_type: String,
    #[schema(value_type = schema::WorkspaceId)]
    workspace_id: WorkspaceId,
    /// Where it is about one device.
    #[schema(required, value_type = Option<schema::DeviceId>)]
    device_id: Option<DeviceId>,
    /// `person:` and the subject, or `machine:` and the client id.
    #[schema(example = "person:3f1c0f5e")]
    changed_by: String,
    /// W3C trace id of the request.
    #[schema(required, example = "0af7651916cd43dd8448eb211c80319c")]
    trace_id: Option<String>,
    #[schema(value_type = uuid::Uuid)]
    event_id: EventId,
    /// The event's payload: what is now, and in `from` what was before. What is called or looks like a
    /// credential is concealed.
    #[schema(value_type = Object, example = json!({"vehicle_id": "bus-1401", "provider_id": "geotab-main", "external_id": "b2C"}))]
    details: serde_json::Value,
}

/// Lists who changed what, over all workspaces.
#[utoipa::path(
    get, path = "/api/telematics-mvp/audit", tag = "audit",
    params(
        ("workspace" = Option<String>, Query), ("type" = Option<String>, Query), ("changed_by" = Option<String>, Query),
        ("device" = Option<String>, Query), ("from" = Option<DateTime<Utc>>, Query), ("to" = Option<DateTime<Utc>>, Query),
        ("limit" = Option<u16>, Query), ("cursor" = Option<String>, Query),
    ),
    responses((status = 200, body = RecordedChangeList)),
)]
pub(crate) async fn list_changes(
    State(state): SharedState,
    list: ListName,
    Query(query): Query<AuditQuery>,
) -> Result<Json<RecordedChangeList>, Problem> {
    let paged = Paged::try_new(list, query.page, state.core.clock.now())?;
    let page =
        queries::list_changes(&state.core, &query.filter, paged.request(), paged.instant()).await?;
    let (changes, next_cursor) = paged.show(page, change_view);
    Ok(Json(RecordedChangeList {
        changes,
        next_cursor,
    }))
}

fn change_view(change: RecordedChange) -> RecordedChangeView {
    RecordedChangeView {
        at: change.at,
        change_type: change.change_type,
        workspace_id: change.workspace_id,
        device_id: change.device_id,
        changed_by: change.changed_by,
        trace_id: change.trace_id,
        event_id: change.event_id,
        details: change.details,
    }
}
