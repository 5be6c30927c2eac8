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
    /// Which events are listed.
    pub(crate) struct EventParameters {
        /// Only events of this type.
        r#type: EventType,
        /// Only events of this device.
        device_id: DeviceId,
        /// Only events of this cycle: all of them, where neither `from` nor `to` is given.
        cycle_id: CycleId,
        /// Only events of this W3C trace.
        trace_id: TraceId,
        /// At this instant or later. Without it, the 24 hours before `to`; without either, the last 24 hours.
        from: DateTime<Utc>,
        /// Before this instant.
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

/// Events, newest first.
#[derive(Serialize, ToSchema)]
pub(crate) struct EventList {
    events: Vec<EventView>,
    #[schema(required)]
    next_cursor: Option<String>,
}

/// A fact of the event store.
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
    /// Where it is about one device.
    #[schema(required, value_type = Option<schema::DeviceId>)]
    device_id: Option<DeviceId>,
    /// Where it belongs to a cycle.
    #[schema(required, value_type = Option<schema::CycleId>)]
    cycle_id: Option<CycleId>,
    #[schema(required, example = "0af7651916cd43dd8448eb211c80319c")]
    trace_id: Option<String>,
    /// Where somebody asked for it.
    #[schema(required, example = json!(null))]
    changed_by: Option<String>,
    /// By its type; what is called or looks like a credential is concealed.
    #[schema(value_type = Object, example = json!({"vehicle_id": "bus-1401", "provider": "geotab-main", "normalized_values": {"2026-11-23T08:00:00Z": {"speed_kmh": 31.0}}}))]
    payload: serde_json::Value,
}

/// Lists what is on record of a workspace.
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
    let (events, next_cursor) = paged.render(page, |event| event_view(&workspace_id, event));
    Ok(Json(EventList {
        events,
        next_cursor,
    }))
}

fn event_view(workspace_id: &WorkspaceId, event: RecordedEvent) -> EventView {
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
