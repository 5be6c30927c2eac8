//! `POST /poll-cycles`

use application::commands::{CycleRequest, TriggerAnswer, TriggerOutcome, trigger_cycle};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use domain::ids::{CycleId, WorkspaceId};
use domain::polling::CycleStatus;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::access::Caller;
use crate::problem::{FieldError, Problem};
use crate::request::{JsonBody, NoQuery};
use crate::state::AppState;

/// How far ahead of now a slot may lie.
const AHEAD_AT_MOST: TimeDelta = TimeDelta::minutes(5);

/// A trigger, as EventBridge's API destination sends it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PostCycle {
    #[schema(value_type = String, example = "depot-north")]
    workspace_id: WorkspaceId,
    /// The slot's minute; absent: a cycle now.
    scheduled_time: Option<DateTime<chrono::FixedOffset>>,
    schedule_arn: Option<String>,
    execution_id: Option<String>,
    attempt: Option<String>,
}

/// What became of a trigger.
#[derive(Serialize, ToSchema)]
pub(crate) struct CycleTriggered {
    workspace_id: String,
    /// `queued`, `duplicate`, `skipped` or `expired`.
    outcome: &'static str,
    /// Why it was not queued.
    reason: Option<&'static str>,
    #[schema(value_type = uuid::Uuid)]
    cycle_id: CycleId,
    /// How far the cycle has come.
    #[schema(value_type = String)]
    status: CycleStatus,
    scheduled_time: Option<DateTime<Utc>>,
    due_at: DateTime<Utc>,
}

/// Records a trigger and answers at once; the cycle runs when it is due.
#[utoipa::path(
    post, path = "/api/telematics-mvp/poll-cycles", tag = "poll cycles",
    request_body = PostCycle,
    responses((status = 202, description = "queued", body = CycleTriggered), (status = 200, description = "nothing new to run", body = CycleTriggered)),
)]
pub(crate) async fn post_cycle(
    State(state): State<AppState>,
    caller: Caller,
    NoQuery: NoQuery,
    JsonBody(body): JsonBody<PostCycle>,
) -> Result<(StatusCode, Json<CycleTriggered>), Problem> {
    let scheduled_time = body
        .scheduled_time
        .map(|time| time.to_utc().trunc_subsecs(6));
    if scheduled_time.is_some_and(|time| time > state.core.clock.now() + AHEAD_AT_MOST) {
        return Err(Problem::invalid(vec![FieldError::pointer(
            "/scheduled_time",
            "must not be more than 5 minutes ahead",
        )]));
    }
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
