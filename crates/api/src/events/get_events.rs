//! `GET /workspaces/{workspace_id}/events`

use application::queries::{self, EventQuery};
use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use domain::events::{EventFilter, EventType, RecordedEvent};
use domain::ids::{CycleId, DeviceId, EventId, WorkspaceId};
use serde::Serialize;
use utoipa::ToSchema;

use crate::openapi::schema;
use crate::problem::Problem;
use crate::request::{ListName, PageQuery, Paged, Params, Path1, Query, QueryParams, read_time};
use crate::state::SharedState;

/// A list's filter and cut.
pub(crate) struct EventsQuery {
    events: EventQuery,
    page: PageQuery,
}

impl QueryParams for EventsQuery {
    fn read(params: &mut Params) -> Self {
        let filter = EventFilter {
            event_type: params.word("type", EventType::ALL, EventType::parse),
            device_id: params.read("device_id", DeviceId::RULE, |text| {
                DeviceId::try_new(text).ok()
            }),
            cycle_id: params.read("cycle_id", "must be a UUID", |text| {
                text.parse().ok().map(CycleId)
            }),
            trace_id: params.read("trace_id", "must be 32 hexadecimal digits", |text| {
                let is_one = text.len() == 32 && text.bytes().all(|b| b.is_ascii_hexdigit());
                is_one.then(|| text.to_ascii_lowercase())
            }),
        };
        Self {
            events: EventQuery {
                filter,
                from: read_time(params, "from"),
                to: read_time(params, "to"),
            },
            page: PageQuery::read(params),
        }
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
    params(
        ("type" = Option<String>, Query), ("device_id" = Option<String>, Query), ("cycle_id" = Option<String>, Query),
        ("trace_id" = Option<String>, Query), ("from" = Option<DateTime<Utc>>, Query), ("to" = Option<DateTime<Utc>>, Query),
        ("limit" = Option<u16>, Query), ("cursor" = Option<String>, Query),
    ),
    responses((status = 200, body = EventList)),
)]
pub(crate) async fn list_events(
    State(state): SharedState,
    Path1(workspace_id): Path1<WorkspaceId>,
    list: ListName,
    Query(query): Query<EventsQuery>,
) -> Result<Json<EventList>, Problem> {
    let paged = Paged::try_new(list, query.page, state.core.clock.now())?;
    let page = queries::list_events(
        &state.core,
        &workspace_id,
        &query.events,
        paged.request(),
        paged.instant(),
    )
    .await?;
    let (events, next_cursor) = paged.show(page, |event| event_view(&workspace_id, event));
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
