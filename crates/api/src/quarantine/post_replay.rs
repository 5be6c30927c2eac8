//! `POST /workspaces/{workspace_id}/quarantine/replay`

use application::commands::{JudgedEnvelope, replay_quarantine};
use axum::Json;
use axum::extract::State;
use contract::provider_ingest::{EnvelopeResult, EnvelopeSummary};
use domain::ids::{EnvelopeId, ProviderId, WorkspaceId};
use domain::quarantine::{EnvelopeChoice, ReplaySelection};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::access::Caller;
use crate::ingest::{render_batch_refusal, render_envelopes};
use crate::openapi::schema;
use crate::problem::{FieldError, Problem};
use crate::request::{JsonBody, NoQuery, Path1};
use crate::state::SharedState;

/// Envelopes of one replay, at most.
const ENVELOPES_AT_MOST: u16 = 1_000;
/// Characters of a reason; ours are shorter.
const REASON_AT_MOST: usize = 100;

/// Which envelopes are to be interpreted again: those named, or what is in quarantine.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"provider_id": "viriciti-main", "reason": "unknown_shape", "limit": 1000}))]
pub(crate) struct PostReplay {
    /// Just these; also those that were rejected.
    #[schema(value_type = Option<Vec<schema::EnvelopeId>>, min_items = 1, max_items = 1_000)]
    envelope_ids: Option<Vec<EnvelopeId>>,
    /// Of the quarantine, only what came through this connection.
    #[schema(value_type = Option<schema::ProviderId>)]
    provider_id: Option<ProviderId>,
    /// Of the quarantine, only what was not understood for this reason.
    #[schema(min_length = 1, max_length = 100, pattern = "^[^\\u0000]*$")]
    reason: Option<String>,
    /// Of the quarantine, at most so many; 1000 where nothing is said.
    #[schema(minimum = 1, maximum = 1_000)]
    limit: Option<u16>,
    /// Only those after this id: `next_after` of the replay before.
    #[schema(value_type = Option<schema::EnvelopeId>)]
    after: Option<EnvelopeId>,
}

/// What a replay came to.
#[derive(Serialize, ToSchema)]
pub(crate) struct ReplayAnswer {
    summary: EnvelopeSummary,
    /// In order of id. An envelope that was named and does not wait is a `duplicate`.
    results: Vec<EnvelopeResult<'static>>,
    /// Where there may be more, `after` of the replay that is to go on.
    #[schema(required, value_type = Option<schema::EnvelopeId>)]
    next_after: Option<EnvelopeId>,
}

/// Interprets envelopes again, after a fix.
///
/// What is understood now is accepted like any envelope; what is not stays in quarantine. A replay takes at
/// most 1000 envelopes and about 8 MiB of messages; go on with `next_after` until it is null.
#[utoipa::path(
    post, path = "/api/telematics-mvp/workspaces/{workspace_id}/quarantine/replay", tag = "quarantine",
    request_body = PostReplay,
    extensions(("x-problems" = json!(["workspace-inactive"]))),
    responses((status = 200, body = ReplayAnswer), (status = 409, description = "the workspace is inactive")),
)]
pub(crate) async fn post_replay(
    State(state): SharedState,
    caller: Caller,
    Path1(workspace_id): Path1<WorkspaceId>,
    NoQuery: NoQuery,
    JsonBody(body): JsonBody<PostReplay>,
) -> Result<Json<ReplayAnswer>, Problem> {
    let errors = wrong_members(&body);
    if !errors.is_empty() {
        return Err(Problem::invalid(errors));
    }
    let which = match &body.envelope_ids {
        Some(ids) => EnvelopeChoice::Named(ids),
        None => EnvelopeChoice::Quarantined {
            provider_id: body.provider_id.as_ref(),
            reason: body.reason.as_deref(),
            limit: body.limit.unwrap_or(ENVELOPES_AT_MOST).into(),
        },
    };
    let selection = ReplaySelection {
        after: body.after,
        which,
    };
    let replay = replay_quarantine(&state.core, caller.author(), &workspace_id, selection)
        .await
        .map_err(render_batch_refusal)?;
    let verdicts = replay.verdicts.into_iter();
    let (summary, results) = render_envelopes(verdicts.map(|(id, verdict)| JudgedEnvelope {
        envelope_id: Some(id),
        verdict,
    }));
    Ok(Json(ReplayAnswer {
        summary,
        results,
        next_after: replay.next_after,
    }))
}

fn wrong_members(body: &PostReplay) -> Vec<FieldError> {
    let at_most = usize::from(ENVELOPES_AT_MOST);
    let named = body.envelope_ids.as_ref();
    let wrong = [
        (
            "/envelope_ids",
            named.is_some_and(|ids| !(1..=at_most).contains(&ids.len())),
            "must be 1 to 1000 ids",
        ),
        (
            "/provider_id",
            named.is_some() && body.provider_id.is_some(),
            "does not go with envelope_ids",
        ),
        (
            "/reason",
            named.is_some() && body.reason.is_some(),
            "does not go with envelope_ids",
        ),
        (
            "/reason",
            body.reason.as_ref().is_some_and(|reason| {
                reason.is_empty()
                    || reason.contains('\0')
                    || reason.chars().count() > REASON_AT_MOST
            }),
            "must be 1 to 100 characters, without NUL",
        ),
        (
            "/limit",
            named.is_some() && body.limit.is_some(),
            "does not go with envelope_ids",
        ),
        (
            "/limit",
            body.limit
                .is_some_and(|limit| !(1..=ENVELOPES_AT_MOST).contains(&limit)),
            "must be 1 to 1000",
        ),
    ];
    wrong
        .into_iter()
        .filter(|(_, wrong, _)| *wrong)
        .map(|(pointer, _, detail)| FieldError::pointer(pointer, detail))
        .collect()
}
