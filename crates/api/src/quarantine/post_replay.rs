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

/// The largest number of envelopes in one replay.
const MAX_ENVELOPES: u16 = 1_000;
/// The largest length of a reason in characters. The reasons that this service writes are shorter.
const MAX_REASON_CHARACTERS: usize = 100;

/// Which envelopes are interpreted again: the named ones, or those in quarantine that match.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"provider_id": "viriciti-main", "reason": "unknown_shape", "limit": 1000}))]
pub(crate) struct PostReplay {
    /// Only these envelopes, which may also be rejected ones.
    #[schema(value_type = Option<Vec<schema::EnvelopeId>>, min_items = 1, max_items = 1_000)]
    envelope_ids: Option<Vec<EnvelopeId>>,
    /// Only quarantined envelopes of this connection.
    #[schema(value_type = Option<schema::ProviderId>)]
    provider_id: Option<ProviderId>,
    /// Only envelopes that are in quarantine for this reason.
    #[schema(min_length = 1, max_length = 100, pattern = "^[^\\u0000]*$")]
    reason: Option<String>,
    /// The largest number of quarantined envelopes to replay; the default is 1000.
    #[schema(minimum = 1, maximum = 1_000)]
    limit: Option<u16>,
    /// Only envelopes with an id after this one: the `next_after` of the replay before.
    #[schema(value_type = Option<schema::EnvelopeId>)]
    after: Option<EnvelopeId>,
}

/// The outcomes of a replay.
#[derive(Serialize, ToSchema)]
pub(crate) struct ReplayAnswer {
    summary: EnvelopeSummary,
    /// The outcome of each envelope, in order of id. A named envelope that needs no replay is a `duplicate`.
    results: Vec<EnvelopeResult<'static>>,
    /// The `after` of the next replay; `null` if there are no more envelopes.
    #[schema(required, value_type = Option<schema::EnvelopeId>)]
    next_after: Option<EnvelopeId>,
}

/// Interprets quarantined envelopes again, after a fix.
///
/// A message that can be interpreted now is accepted like any envelope; the others stay in quarantine. One replay
/// takes at most 1000 envelopes and about 8 MiB of messages. Repeat it with `next_after` until that is `null`.
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
    let errors = find_errors(&body);
    if !errors.is_empty() {
        return Err(Problem::invalid(errors));
    }
    let which = match &body.envelope_ids {
        Some(ids) => EnvelopeChoice::Named(ids),
        None => EnvelopeChoice::Quarantined {
            provider_id: body.provider_id.as_ref(),
            reason: body.reason.as_deref(),
            limit: body.limit.unwrap_or(MAX_ENVELOPES).into(),
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

fn find_errors(body: &PostReplay) -> Vec<FieldError> {
    let at_most = usize::from(MAX_ENVELOPES);
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
                    || reason.chars().count() > MAX_REASON_CHARACTERS
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
                .is_some_and(|limit| !(1..=MAX_ENVELOPES).contains(&limit)),
            "must be 1 to 1000",
        ),
    ];
    wrong
        .into_iter()
        .filter(|(_, wrong, _)| *wrong)
        .map(|(pointer, _, detail)| FieldError::pointer(pointer, detail))
        .collect()
}
