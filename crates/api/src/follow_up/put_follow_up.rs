//! `PUT /workspaces/{workspace_id}/devices/{device_id}/follow-up`

use application::commands::follow_up_device;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use chrono::{DateTime, Datelike, FixedOffset, SubsecRound, Utc};
use domain::follow_up::{DeviceFollowUp, FollowUp, InvalidNote, Note};
use domain::ids::{DeviceId, WorkspaceId};
use serde::Deserialize;
use serde::de::IgnoredAny;
use utoipa::ToSchema;

use super::view::FollowUpView;
use crate::access::Caller;
use crate::openapi::schema;
use crate::problem::{FieldError, Problem};
use crate::request::{IfMatch, JsonBody, NoQuery, Path2, respond_with_etag};
use crate::state::SharedState;

/// The new follow-up. The other members of the answer are accepted and ignored.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PutFollowUp {
    /// Whether somebody has contacted the operator of the device.
    contacted: bool,
    /// The time until which nobody needs to look at the device.
    #[schema(example = "2026-12-01T08:00:00Z")]
    snoozed_until: Option<DateTime<FixedOffset>>,
    /// A note for colleagues. A blank note counts as no note.
    #[schema(value_type = Option<schema::Note>)]
    note: Option<String>,
    #[serde(default, rename = "updated_at")]
    #[schema(value_type = schema::Ignored)]
    _updated_at: IgnoredAny,
    #[serde(default, rename = "updated_by")]
    #[schema(value_type = schema::Ignored)]
    _updated_by: IgnoredAny,
}

/// Records what has been done about the current silence of a device.
#[utoipa::path(
    put, path = "/api/telematics-mvp/workspaces/{workspace_id}/devices/{device_id}/follow-up", tag = "worklist",
    params(("If-Match" = Option<String>, Header)),
    request_body = PutFollowUp,
    responses((status = 200, body = FollowUpView)),
)]
pub(crate) async fn put_follow_up(
    State(state): SharedState,
    caller: Caller,
    Path2(workspace_id, device_id): Path2<WorkspaceId, DeviceId>,
    NoQuery: NoQuery,
    IfMatch(precondition): IfMatch,
    JsonBody(body): JsonBody<PutFollowUp>,
) -> Result<Response, Problem> {
    let follow_up = parse_follow_up(&body).map_err(Problem::invalid)?;
    let written = follow_up_device(
        &state.core,
        caller.author(),
        &workspace_id,
        &device_id,
        follow_up,
        &precondition,
    )
    .await;
    let render = |device: &DeviceFollowUp| FollowUpView::render(device.current());
    let device = written.map_err(|error| Problem::of_change(error, render))?;
    Ok(respond_with_etag(
        StatusCode::OK,
        device.version(),
        render(&device),
    ))
}

fn parse_follow_up(body: &PutFollowUp) -> Result<FollowUp, Vec<FieldError>> {
    let mut errors = Vec::new();
    let snoozed_until: Option<DateTime<Utc>> = body
        .snoozed_until
        .map(|time| time.to_utc().trunc_subsecs(6));
    // Checked here, because chrono accepts years of more than four digits, which RFC 3339 does not have.
    if snoozed_until.is_some_and(|time| !(0..=9999).contains(&time.year())) {
        let detail = "must be an RFC 3339 time with an offset";
        errors.push(FieldError::pointer("/snoozed_until", detail));
    }
    let note = match body.note.as_deref().map(Note::parse) {
        Some(Ok(note)) => note,
        Some(Err(error @ InvalidNote)) => {
            errors.push(FieldError::pointer("/note", error.to_string()));
            None
        }
        None => None,
    };
    if errors.is_empty() {
        Ok(FollowUp {
            contacted: body.contacted,
            snoozed_until,
            note,
        })
    } else {
        Err(errors)
    }
}
