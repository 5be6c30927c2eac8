//! `GET /audit`

use std::borrow::Cow;

use application::queries;
use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use domain::events::{ChangeFilter, EventType, RecordedChange};
use domain::ids::{DeviceId, EventId, WorkspaceId};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};

use crate::openapi::schema;
use crate::problem::Problem;
use crate::request::{
    ListName, PageParameters, Paged, ParameterValue, Query, query_parameters, words_rule,
    words_schema,
};
use crate::state::SharedState;

query_parameters! {
    /// The filter of `GET /audit`.
    pub(crate) struct ChangeParameters {
        /// Only changes of this workspace.
        workspace: WorkspaceId,
        /// Only changes of this type.
        r#type: ChangeType,
        /// Only changes by this author, as `changed_by` names it.
        changed_by: AuthorName,
        /// Only changes of this device.
        device: DeviceId,
        /// Only changes at this instant or later.
        from: DateTime<Utc>,
        /// Only changes before this instant.
        to: DateTime<Utc>,
    }
}

/// The type of an event that records a change by a person or a machine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ChangeType(EventType);

impl ParameterValue for ChangeType {
    fn parse(text: &str) -> Option<Self> {
        EventType::parse_change(text).map(Self)
    }

    fn rule() -> Cow<'static, str> {
        words_rule(EventType::CHANGES.iter().map(|word| word.as_str()))
    }

    fn schema() -> RefOr<Schema> {
        words_schema(EventType::CHANGES.iter().map(|word| word.as_str())).into()
    }
}

/// An author as `changed_by` names one.
#[derive(Clone, Debug)]
pub(crate) struct AuthorName(String);

impl ParameterValue for AuthorName {
    fn parse(text: &str) -> Option<Self> {
        let is_name = !text.is_empty() && !text.contains(char::is_control);
        is_name.then(|| Self(text.to_owned()))
    }

    fn rule() -> Cow<'static, str> {
        "must be an author, as changed_by names it".into()
    }

    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .min_length(Some(1))
            .pattern(Some(r"^[^\u0000-\u001f\u007f-\u009f]*$"))
            .examples([json!("person:3f1c0f5e")])
            .into()
    }
}

/// A page of changes, the newest first.
#[derive(Serialize, ToSchema)]
pub(crate) struct RecordedChangeList {
    changes: Vec<RecordedChangeView>,
    #[schema(required)]
    next_cursor: Option<String>,
}

/// A change of configuration, or a poll cycle that somebody triggered.
#[derive(Serialize, ToSchema)]
pub(crate) struct RecordedChangeView {
    at: DateTime<Utc>,
    #[serde(rename = "type")]
    #[schema(value_type = schema::ChangeType)]
    change_type: String,
    #[schema(value_type = schema::WorkspaceId)]
    workspace_id: WorkspaceId,
    /// The device that the change is about, if it is about one.
    #[schema(required, value_type = Option<schema::DeviceId>)]
    device_id: Option<DeviceId>,
    /// Who made the change: `person:` and the subject, or `machine:` and the client id.
    #[schema(example = "person:3f1c0f5e")]
    changed_by: String,
    /// The W3C trace id of the request.
    #[schema(required, example = "0af7651916cd43dd8448eb211c80319c")]
    trace_id: Option<String>,
    #[schema(value_type = uuid::Uuid)]
    event_id: EventId,
    /// The payload of the event: the new state, and in `from` the state before. Values that look like a credential,
    /// or whose name says so, are concealed.
    #[schema(value_type = Object, example = json!({"vehicle_id": "bus-1401", "provider_id": "geotab-main", "external_id": "b2C"}))]
    details: serde_json::Value,
}

/// Lists the changes of all workspaces: who changed what, and when.
#[utoipa::path(
    get, path = "/api/telematics-mvp/audit", tag = "audit",
    params(ChangeParameters, PageParameters),
    responses((status = 200, body = RecordedChangeList)),
)]
pub(crate) async fn list_changes(
    State(state): SharedState,
    list: ListName,
    Query((parameters, page)): Query<(ChangeParameters, PageParameters)>,
) -> Result<Json<RecordedChangeList>, Problem> {
    let paged = Paged::try_new(list, page, state.core.clock.now())?;
    let filter = ChangeFilter {
        workspace_id: parameters.workspace,
        change_type: parameters.r#type.map(|ChangeType(event_type)| event_type),
        changed_by: parameters.changed_by.map(|AuthorName(name)| name),
        device_id: parameters.device,
        from: parameters.from,
        to: parameters.to,
    };
    let page =
        queries::list_changes(&state.core, &filter, paged.request(), paged.instant()).await?;
    let (changes, next_cursor) = paged.render(page, render_change);
    Ok(Json(RecordedChangeList {
        changes,
        next_cursor,
    }))
}

fn render_change(change: RecordedChange) -> RecordedChangeView {
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
