//! The endpoints of the local token issuer, which are open in `dev` only.

use std::sync::Arc;

use auth::{DevIssuer, MintRequest};
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::openapi::schema;
use crate::problem::Problem;
use crate::request::{JsonBody, NoQuery};
use crate::state::{AppState, SharedState};

/// Whom a token is for: `machine` with `scopes`, or `user` with `groups`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"kind": "machine", "scopes": ["telematics/ingest"]}))]
#[expect(dead_code, reason = "the documented shape of `auth::MintRequest`")]
pub(crate) struct PostToken {
    #[schema(value_type = schema::TokenKind)]
    kind: String,
    scopes: Option<Vec<String>>,
    groups: Option<Vec<String>>,
    client_id: Option<String>,
    subject: Option<String>,
    /// 3600 unless given; negative for an expired token.
    expires_in_seconds: Option<i64>,
}

/// A token.
#[derive(Serialize, ToSchema)]
pub(crate) struct TokenView {
    #[schema(example = "eyJhbGciOiJSUzI1NiIsImtpZCI6…")]
    access_token: String,
}

/// Mints a token as asked; only in `dev`.
#[utoipa::path(post, path = "/dev/token", tag = "dev", request_body = PostToken, extensions(("x-problems" = json!(["not-found"]))), responses((status = 200, body = TokenView)))]
pub(crate) async fn post_token(
    State(state): SharedState,
    NoQuery: NoQuery,
    JsonBody(request): JsonBody<MintRequest>,
) -> Result<Json<TokenView>, Problem> {
    let issuer = open_issuer(&state)?;
    Ok(Json(TokenView {
        access_token: issuer.mint(&request, state.core.clock.now()),
    }))
}

/// Shows the issuer's public keys; only in `dev`.
#[utoipa::path(get, path = "/dev/jwks.json", tag = "dev", extensions(("x-problems" = json!(["not-found"]))), responses((status = 200, description = "RFC 7517 key set", body = Object, content_type = "application/json")))]
pub(crate) async fn get_jwks(
    State(state): SharedState,
    NoQuery: NoQuery,
) -> Result<Json<serde_json::Value>, Problem> {
    Ok(Json(open_issuer(&state)?.jwks()))
}

fn open_issuer(state: &AppState) -> Result<&Arc<DevIssuer>, Problem> {
    state
        .dev_issuer
        .as_ref()
        .ok_or_else(|| Problem::not_found("resource"))
}
