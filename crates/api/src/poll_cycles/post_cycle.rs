//! `POST /poll-cycles`

use application::commands::{CycleRequest, TriggerAnswer, TriggerOutcome, trigger_cycle};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use contract::poll_cycles::{PollCycleAnswer, PollCycleRequest};
use domain::ids::WorkspaceId;

use super::record::time_text;
use crate::access::Caller;
use crate::problem::{FieldError, Problem};
use crate::request::{BODY_LIMIT, NoQuery, RawBody, parse_json};
use crate::state::SharedState;

/// How far ahead of now a scheduled time may be.
const MAX_SLOT_AHEAD: TimeDelta = TimeDelta::minutes(5);

/// Queues a poll cycle and answers at once; the worker runs the cycle when it is due.
#[utoipa::path(
    post, path = "/api/telematics-mvp/poll-cycles", tag = "poll cycles",
    request_body = PollCycleRequest<'static>,
    extensions(("x-problems" = json!(["not-found"]))),
    responses(
        (status = 202, description = "queued", body = PollCycleAnswer<'static>),
        (status = 200, description = "nothing new to run", body = PollCycleAnswer<'static>),
    ),
)]
pub(crate) async fn post_cycle(
    State(state): SharedState,
    caller: Caller,
    NoQuery: NoQuery,
    RawBody(bytes): RawBody<BODY_LIMIT>,
) -> Result<(StatusCode, Json<PollCycleAnswer<'static>>), Problem> {
    let body: PollCycleRequest<'_> = parse_json(&bytes)?;
    let (workspace_id, request) = check_request(&body, state.core.clock.now())?;
    let answer = trigger_cycle(&state.core, caller.author(), &workspace_id, request)
        .await?
        .ok_or_else(|| Problem::not_found("workspace"))?;
    state.wake_worker();
    let status = if answer.outcome == TriggerOutcome::Queued {
        StatusCode::ACCEPTED
    } else {
        StatusCode::OK
    };
    Ok((status, Json(render_answer(&workspace_id, &answer))))
}

/// Checks every member of a trigger.
///
/// # Errors
/// 400 with all members that are wrong.
fn check_request<'b>(
    body: &'b PollCycleRequest<'_>,
    now: DateTime<Utc>,
) -> Result<(WorkspaceId, CycleRequest<'b>), Problem> {
    let mut errors = Vec::new();
    let workspace_id = WorkspaceId::try_new(&body.workspace_id);
    if workspace_id.is_err() {
        errors.push(FieldError::pointer("/workspace_id", WorkspaceId::RULE));
    }
    let scheduled_time = body
        .scheduled_time
        .as_deref()
        .map(|text| parse_scheduled_time(text, now));
    if let Some(Err(detail)) = scheduled_time {
        errors.push(FieldError::pointer("/scheduled_time", detail));
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
    match (workspace_id, scheduled_time.transpose()) {
        (Ok(workspace_id), Ok(scheduled_time)) if errors.is_empty() => {
            let request = CycleRequest {
                scheduled_time,
                schedule_arn: body.schedule_arn.as_deref(),
                execution_id: body.execution_id.as_deref(),
                attempt: body.attempt.as_deref(),
            };
            Ok((workspace_id, request))
        }
        _ => Err(Problem::invalid(errors)),
    }
}

fn parse_scheduled_time(text: &str, now: DateTime<Utc>) -> Result<DateTime<Utc>, &'static str> {
    let time = DateTime::parse_from_rfc3339(text)
        .map_err(|_| "must be an RFC 3339 time with an offset")?
        .to_utc();
    if time > now + MAX_SLOT_AHEAD {
        return Err("must not be more than 5 minutes ahead");
    }
    Ok(time.trunc_subsecs(6))
}

fn render_answer(workspace_id: &WorkspaceId, answer: &TriggerAnswer) -> PollCycleAnswer<'static> {
    PollCycleAnswer {
        workspace_id: workspace_id.to_string().into(),
        outcome: match answer.outcome {
            TriggerOutcome::Queued => "queued",
            TriggerOutcome::Duplicate => "duplicate",
            TriggerOutcome::Skipped => "skipped",
            TriggerOutcome::Expired => "expired",
        }
        .into(),
        reason: answer.reason.map(Into::into),
        cycle_id: answer.cycle_id.to_string().into(),
        status: answer.status.as_str().into(),
        scheduled_time: answer.scheduled_time.map(time_text),
        due_at: time_text(answer.due_at),
    }
}
