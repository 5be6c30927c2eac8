//! `POST /poll-cycles`

use application::commands::{CycleRequest, TriggerAnswer, TriggerOutcome, trigger_cycle};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Datelike, SubsecRound, TimeDelta, Utc};
use domain::ids::{CycleId, WorkspaceId};
use domain::polling::CycleStatus;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::access::Caller;
use crate::openapi::schema;
use crate::problem::{FieldError, Problem};
use crate::request::{JsonBody, NoQuery};
use crate::state::SharedState;

/// How far ahead of now a slot may lie.
const AHEAD_AT_MOST: TimeDelta = TimeDelta::minutes(5);

/// A trigger, as EventBridge's API destination sends it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PostCycle {
    #[schema(value_type = schema::WorkspaceId)]
    workspace_id: WorkspaceId,
    /// The slot's minute; absent: a cycle now.
    #[schema(example = "2026-11-23T08:04:00Z")]
    scheduled_time: Option<DateTime<chrono::FixedOffset>>,
    #[schema(
        pattern = "^[^\\u0000]*$",
        example = "arn:aws:scheduler:eu-central-1:123456789012:schedule/telematics/depot-north"
    )]
    schedule_arn: Option<String>,
    #[schema(
        pattern = "^[^\\u0000]*$",
        example = "d32c5e9c-7d0b-4c43-9f0a-2f1f7a1c8f5e"
    )]
    execution_id: Option<String>,
    #[schema(pattern = "^[^\\u0000]*$", example = "1")]
    attempt: Option<String>,
}

/// What became of a trigger.
#[derive(Serialize, ToSchema)]
pub(crate) struct CycleTriggered {
    #[schema(value_type = schema::WorkspaceId)]
    workspace_id: String,
    /// `queued`, `duplicate`, `skipped` or `expired`; an open vocabulary.
    #[schema(example = "queued")]
    outcome: &'static str,
    /// Why it was not queued.
    #[schema(required, value_type = Option<schema::SkipReason>)]
    reason: Option<&'static str>,
    #[schema(value_type = schema::CycleId)]
    cycle_id: CycleId,
    #[schema(value_type = schema::CycleStatus)]
    status: CycleStatus,
    #[schema(required)]
    scheduled_time: Option<DateTime<Utc>>,
    due_at: DateTime<Utc>,
}

/// Records a trigger and answers at once; the cycle runs when it is due.
#[utoipa::path(
    post, path = "/api/telematics-mvp/poll-cycles", tag = "poll cycles",
    request_body = PostCycle,
    extensions(("x-problems" = json!(["not-found"]))),
    responses((status = 202, description = "queued", body = CycleTriggered), (status = 200, description = "nothing new to run", body = CycleTriggered)),
)]
pub(crate) async fn post_cycle(
    State(state): SharedState,
    caller: Caller,
    NoQuery: NoQuery,
    JsonBody(body): JsonBody<PostCycle>,
) -> Result<(StatusCode, Json<CycleTriggered>), Problem> {
    let errors = wrong_members(&body, state.core.clock.now());
    if !errors.is_empty() {
        return Err(Problem::invalid(errors));
    }
    let scheduled_time = body
        .scheduled_time
        .map(|time| time.to_utc().trunc_subsecs(6));
    let request = CycleRequest {
        scheduled_time,
        schedule_arn: body.schedule_arn.as_deref(),
        execution_id: body.execution_id.as_deref(),
        attempt: body.attempt.as_deref(),
    };
    let answer = trigger_cycle(&state.core, caller.author(), &body.workspace_id, request).await?;
    let answer = answer.ok_or_else(|| Problem::not_found("workspace"))?;
    state.wake_worker();
    let status = if answer.outcome == TriggerOutcome::Queued {
        StatusCode::ACCEPTED
    } else {
        StatusCode::OK
    };
    Ok((status, Json(shown(&body.workspace_id, &answer))))
}

fn wrong_members(body: &PostCycle, now: DateTime<Utc>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if let Some(time) = body.scheduled_time {
        if time.to_utc() > now + AHEAD_AT_MOST {
            let detail = "must not be more than 5 minutes ahead";
            errors.push(FieldError::pointer("/scheduled_time", detail));
        } else if time.year() < 0 {
            // RFC 3339 has no such years, chrono and ISO 8601 do.
            let detail = "must be an RFC 3339 time with an offset";
            errors.push(FieldError::pointer("/scheduled_time", detail));
        }
    }
    for (pointer, text) in [
        ("/schedule_arn", &body.schedule_arn),
        ("/execution_id", &body.execution_id),
        ("/attempt", &body.attempt),
    ] {
        if text.as_ref().is_some_and(|text| text.contains('\0')) {
            errors.push(FieldError::pointer(pointer, "must not contain NUL"));
        }
    }
    errors
}

fn shown(workspace_id: &WorkspaceId, answer: &TriggerAnswer) -> CycleTriggered {
    CycleTriggered {
        workspace_id: workspace_id.to_string(),
        outcome: match answer.outcome {
            TriggerOutcome::Queued => "queued",
            TriggerOutcome::Duplicate => "duplicate",
            TriggerOutcome::Skipped => "skipped",
            TriggerOutcome::Expired => "expired",
        },
        reason: answer.reason,
        cycle_id: answer.cycle_id,
        status: answer.status,
        scheduled_time: answer.scheduled_time,
        due_at: answer.due_at,
    }
}
