//! A request with an idempotency key: claim the key, run the request, store the answer.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use application::StorageError;
use application::idempotency::{KeyClaim, claim_key, keep_answer, release_key};
use aws_lc_rs::digest::{Context, Digest, SHA256, SHA256_OUTPUT_LEN, digest};
use axum::body::Body;
use axum::extract::{FromRequestParts, MatchedPath, RawPathParams, Request, State};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use axum::http::uri::PathAndQuery;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use domain::idempotency::{BodyDigest, KeyName};
use domain::ids::{ClaimToken, IdempotencyKey, WorkspaceId};
use futures::FutureExt;
use tracing::Instrument;

use super::stored_answer::{replay, split_stored_part};
use crate::access::{Caller, Route};
use crate::edge::on_panic;
use crate::problem::{FieldError, Problem, ProblemKind};
use crate::request::{BODY_LIMIT, read_body};
use crate::state::{AppState, SharedState};

const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// The `Retry-After` of a request whose key is in use. Most requests are answered within this time.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Runs before every handler. A request without the header passes through unchanged.
pub(crate) async fn idempotent(
    State(state): SharedState,
    request: Request,
    next: Next,
) -> Response {
    if !request.headers().contains_key(IDEMPOTENCY_KEY) {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    let limit = parts
        .extensions
        .get::<MatchedPath>()
        .and_then(|path| Route::find(&parts.method, path.as_str()))
        .filter(|route| route.takes_idempotency_key())
        // A body that is sent to a route without one is still part of what the key stands for.
        .map(|route| route.body.limit().unwrap_or(BODY_LIMIT));
    let (Some(limit), Some(caller)) = (limit, parts.extensions.get::<Caller>().cloned()) else {
        return next.run(Request::from_parts(parts, body)).await;
    };
    let keyed = match KeyedRequest::read(parts, body, limit, &caller).await {
        Ok(keyed) => keyed,
        Err(problem) => return problem.into_response(),
    };
    // The request runs in a task of its own. If the caller disconnects, the request goes on to its end, so that
    // the caller's retry, which a key announces, gets its result.
    let tasks = state.tasks.clone();
    tasks
        .spawn(keyed.answer(state, next).in_current_span())
        .await
        // Panics are caught inside the task, so an error here means that the runtime is shutting down.
        .unwrap_or_else(|_| Problem::of(ProblemKind::UNAVAILABLE).into_response())
}

/// A request with an idempotency key, whose body was read to its end.
struct KeyedRequest {
    name: KeyName,
    digest: BodyDigest,
    request: Request,
}

impl KeyedRequest {
    async fn read(
        mut parts: Parts,
        body: Body,
        limit: usize,
        caller: &Caller,
    ) -> Result<Self, Problem> {
        let key = parse_key(&parts.headers)?;
        let params = RawPathParams::from_request_parts(&mut parts, &()).await;
        let workspace_id = params.ok().and_then(|params| {
            let (_, id) = params.iter().find(|(name, _)| *name == "workspace_id")?;
            // The handler refuses a text that is not a workspace id.
            WorkspaceId::try_new(id).ok()
        });
        let route = parts.uri.path_and_query().map_or("", PathAndQuery::as_str);
        let mut digested = Context::new(&SHA256);
        for part in [key.as_str(), route, caller.author().id] {
            digested.update(part.as_bytes());
            // A zero byte separates the parts, because neither key nor route can contain one.
            digested.update(&[0]);
        }
        let name = KeyName {
            workspace_id,
            digest: to_array(digested.finish()),
        };
        let bytes = read_body(body, limit).await?;
        Ok(Self {
            name,
            digest: BodyDigest(to_array(digest(&SHA256, &bytes))),
            request: Request::from_parts(parts, Body::from(bytes)),
        })
    }

    async fn answer(self, state: Arc<AppState>, next: Next) -> Response {
        let claim = match claim_key(&state.core, &self.name, self.digest).await {
            Ok(KeyClaim::Granted(claim)) => claim,
            Ok(KeyClaim::Answered(stored)) => return replay(stored),
            Ok(KeyClaim::InFlight) => {
                return Problem::of(ProblemKind::IDEMPOTENCY_KEY_IN_USE)
                    .retry_after(RETRY_AFTER)
                    .into_response();
            }
            Ok(KeyClaim::Reused) => {
                return Problem::of(ProblemKind::IDEMPOTENCY_KEY_REUSED).into_response();
            }
            Err(error) => return Problem::from(error).into_response(),
        };
        let handled = AssertUnwindSafe(next.run(self.request)).catch_unwind();
        let answer = handled.await.unwrap_or_else(on_panic);
        settle(&state, &self.name, claim, answer).await
    }
}

/// Stores the answer if the request did something, or else releases the key. The caller gets the answer even if
/// storing it fails, because the request has been done.
async fn settle(state: &AppState, name: &KeyName, claim: ClaimToken, answer: Response) -> Response {
    let (answer, stored) = split_stored_part(answer).await;
    let settled: Result<(), StorageError> = match stored {
        Some(stored) => keep_answer(&state.core, name, claim, &stored).await,
        None => release_key(&state.core, name, claim).await,
    };
    if let Err(error) = settled {
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            "the answer could not be stored: the idempotency key stays claimed until its claim expires"
        );
    }
    answer
}

/// Reads the one key of a request. Several keys, or a key that breaks its rule, are refused.
fn parse_key(headers: &HeaderMap) -> Result<IdempotencyKey, Problem> {
    let mut given = headers.get_all(IDEMPOTENCY_KEY).iter();
    let key = match (given.next(), given.next()) {
        (Some(key), None) => key.to_str().ok(),
        _ => None,
    };
    key.and_then(|key| IdempotencyKey::try_new(key).ok())
        .ok_or_else(|| {
            let detail = format!("{}, given once", IdempotencyKey::RULE);
            Problem::invalid(vec![FieldError::parameter("Idempotency-Key", detail)])
        })
}

fn to_array(digest: Digest) -> [u8; SHA256_OUTPUT_LEN] {
    let mut bytes = [0; SHA256_OUTPUT_LEN];
    bytes.copy_from_slice(digest.as_ref());
    bytes
}
