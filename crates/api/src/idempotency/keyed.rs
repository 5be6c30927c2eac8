//! A request with a key: claimed, run, and its answer kept.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use application::idempotency::{KeyClaim, claim_key, keep_answer, release_key};
use aws_lc_rs::digest::{Context, Digest, SHA256, SHA256_OUTPUT_LEN, digest};
use axum::body::Body;
use axum::extract::{FromRequestParts, MatchedPath, RawPathParams, Request, State};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use axum::http::uri::PathAndQuery;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use domain::idempotency::BodyDigest;
use domain::ids::{ClaimToken, IdempotencyKey, WorkspaceId};
use futures::FutureExt;
use persistence::StorageError;
use persistence::idempotency::KeyName;
use tracing::Instrument;

use super::kept::{kept, replayed};
use crate::access::{Caller, Route};
use crate::edge::on_panic;
use crate::problem::{FieldError, Problem, ProblemKind};
use crate::request::{BODY_LIMIT, bytes_of};
use crate::state::{AppState, SharedState};

const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// Most requests are answered within it.
const ASK_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// Runs before every handler; without the header it does nothing.
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
        // A route that reads no body is named as well; what comes all the same is part of the request.
        .map(|route| route.body.limit().unwrap_or(BODY_LIMIT));
    let (Some(limit), Some(caller)) = (limit, parts.extensions.get::<Caller>().cloned()) else {
        return next.run(Request::from_parts(parts, body)).await;
    };
    let keyed = match Keyed::read(parts, body, limit, &caller).await {
        Ok(keyed) => keyed,
        Err(problem) => return problem.into_response(),
    };
    // A task of its own: when the caller hangs up the request goes on to its end, so that the caller
    // who comes again, as one with a key will, is told what became of it.
    tokio::spawn(keyed.answer(state, next).in_current_span())
        .await
        // Panics are caught within: the runtime is shutting down.
        .unwrap_or_else(|_| Problem::of(ProblemKind::UNAVAILABLE).into_response())
}

/// A request with a key, read to its end.
struct Keyed {
    name: KeyName,
    digest: BodyDigest,
    request: Request,
}

impl Keyed {
    async fn read(
        mut parts: Parts,
        body: Body,
        limit: usize,
        caller: &Caller,
    ) -> Result<Self, Problem> {
        let key = key_of(&parts.headers)?;
        let params = RawPathParams::from_request_parts(&mut parts, &()).await;
        let workspace_id = params.ok().and_then(|params| {
            let (_, id) = params.iter().find(|(name, _)| *name == "workspace_id")?;
            // A text that is none is the handler's to refuse.
            WorkspaceId::try_new(id).ok()
        });
        let route = parts.uri.path_and_query().map_or("", PathAndQuery::as_str);
        let mut digested = Context::new(&SHA256);
        for part in [key.as_str(), route, caller.author().id] {
            digested.update(part.as_bytes());
            // Neither key nor route can hold one.
            digested.update(&[0]);
        }
        let name = KeyName {
            workspace_id,
            digest: array(digested.finish()),
        };
        let bytes = bytes_of(body, limit).await?;
        Ok(Self {
            name,
            digest: BodyDigest(array(digest(&SHA256, &bytes))),
            request: Request::from_parts(parts, Body::from(bytes)),
        })
    }

    async fn answer(self, state: Arc<AppState>, next: Next) -> Response {
        let claim = match claim_key(&state.core, &self.name, self.digest).await {
            Ok(KeyClaim::Granted(claim)) => claim,
            Ok(KeyClaim::Answered(kept)) => return replayed(kept),
            Ok(KeyClaim::InFlight) => {
                return Problem::of(ProblemKind::IDEMPOTENCY_KEY_IN_USE)
                    .retry_after(ASK_AGAIN_AFTER)
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

/// Keeps the answer if it did something, or frees the key. The caller gets the answer in any case:
/// what it tells has happened.
async fn settle(state: &AppState, name: &KeyName, claim: ClaimToken, answer: Response) -> Response {
    let (answer, kept) = kept(answer).await;
    let settled: Result<(), StorageError> = match kept {
        Some(kept) => keep_answer(&state.core, name, claim, &kept).await,
        None => release_key(&state.core, name, claim).await,
    };
    if let Err(error) = settled {
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            "an idempotency key stays claimed until its claim lapses"
        );
    }
    answer
}

/// Exactly one key, that obeys its rule.
fn key_of(headers: &HeaderMap) -> Result<IdempotencyKey, Problem> {
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

fn array(digest: Digest) -> [u8; SHA256_OUTPUT_LEN] {
    let mut bytes = [0; SHA256_OUTPUT_LEN];
    bytes.copy_from_slice(digest.as_ref());
    bytes
}
