//! `GET /workspaces/{workspace_id}/events`

use std::borrow::Cow;

use application::queries::{self, EventQuery};
use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use domain::events::{EventFilter, EventType, RecordedEvent};
use domain::ids::{CycleId, DeviceId, EventId, WorkspaceId};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};

use crate::openapi::schema;
use crate::problem::Problem;
use crate::request::{
    ListName, PageParameters, Paged, ParameterValue, Path1, Query, query_parameters,
};
use crate::state::SharedState;

query_parameters! {
    /// The filter of `GET …/events`.
    pub(crate) struct EventParameters {
        /// Only events of this type.
        r#type: EventType,
        /// Only events of this device.
        device_id: DeviceId,
        /// Only events of this cycle. Without `from` and `to`, all events of the cycle are listed.
        cycle_id: CycleId,
        /// Only events of this W3C trace.
        trace_id: TraceId,
        /// Only events at this instant or later. The default is 24 hours before `to`, or before now.
        from: DateTime<Utc>,
        /// Only events before this instant.
        to: DateTime<Utc>,
    }
}

/// A W3C trace id: 32 lower-case hexadecimal digits.
#[derive(Clone, Debug)]
pub(crate) struct TraceId(String);

impl ParameterValue for TraceId {
    fn parse(text: &str) -> Option<Self> {
        let is_id = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_id.then(|| Self(text.to_ascii_lowercase()))
    }

    fn rule() -> Cow<'static, str> {
        "must be 32 hexadecimal digits".into()
    }

    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .pattern(Some("^[0-9A-Fa-f]{32}$"))
            .examples([json!("0af7651916cd43dd8448eb211c80319c")])
            .into()
    }
}

/// A page of events, the newest first.
#[derive(Serialize, ToSchema)]
pub(crate) struct EventList {
    events: Vec<EventView>,
    #[schema(required)]
    next_cursor: Option<String>,
}

/// One event of the event store.
#[derive(Serialize, ToSchema)]
pub(crate) struct EventView {
    recorded_at: DateTime<Utc>,
    #[serde(rename = "type")]
    #[schema(value_type = schema::EventType)]
    event_type: String,
    #[schema(value_type = uuid::Uuid)]
    event_id: EventId,
    #[schema(value_type = schema::WorkspaceId)]
    workspace_id: WorkspaceId,
    /// The device that the event is about, if it is about one.
    #[schema(required, value_type = Option<schema::DeviceId>)]
    device_id: Option<DeviceId>,
    /// The cycle that the event belongs to, if it belongs to one.
    #[schema(required, value_type = Option<schema::CycleId>)]
    cycle_id: Option<CycleId>,
    #[schema(required, example = "0af7651916cd43dd8448eb211c80319c")]
    trace_id: Option<String>,
    /// Who caused the event, if a person or machine asked for it.
    #[schema(required, example = json!(null))]
    changed_by: Option<String>,
    /// The payload, whose members depend on the type. Values that look like a credential, or whose name says so, are
    /// concealed.
    #[schema(value_type = Object, example = json!({"vehicle_id": "bus-1401", "provider": "geotab-main", "normalized_values": {"2026-11-23T08:00:00Z": {"speed_kmh": 31.0}}}))]
    payload: serde_json::Value,
}

/// Lists the recorded events of a workspace.
#[utoipa::path(
    get, path = "/api/telematics-mvp/workspaces/{workspace_id}/events", tag = "events",
    params(EventParameters, PageParameters),
    responses((status = 200, body = EventList)),
)]
pub(crate) async fn list_events(
    State(state): SharedState,
    Path1(workspace_id): Path1<WorkspaceId>,
    list: ListName,
    Query((parameters, page)): Query<(EventParameters, PageParameters)>,
) -> Result<Json<EventList>, Problem> {
    let paged = Paged::try_new(list, page, state.core.clock.now())?;
    let query = EventQuery {
        filter: EventFilter {
            event_type: parameters.r#type,
            device_id: parameters.device_id,
            cycle_id: parameters.cycle_id,
            trace_id: parameters.trace_id.map(|TraceId(id)| id),
        },
        from: parameters.from,
        to: parameters.to,
    };
    let page = queries::list_events(
        &state.core,
        &workspace_id,
        &query,
        paged.request(),
        paged.instant(),
    )
    .await?;
    let (events, next_cursor) = paged.render(page, |event| render_event(&workspace_id, event));
    Ok(Json(EventList {
        events,
        next_cursor,
    }))
}

fn render_event(workspace_id: &WorkspaceId, event: RecordedEvent) -> EventView {
    EventView {
        recorded_at: event.recorded_at,
        event_type: event.event_type,
        event_id: event.event_id,
        workspace_id: workspace_id.clone(),
        device_id: event.device_id,
        cycle_id: event.cycle_id,
        trace_id: event.trace_id,
        changed_by: event.changed_by,
        payload: event.payload,
    }
}
