//! The endpoints for operations: liveness, readiness and the OpenAPI document.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;

use crate::problem::Problem;
use crate::request::NoQuery;
use crate::state::SharedState;

/// Answers 200 as long as the process runs.
#[utoipa::path(get, path = "/livez", tag = "operations", responses((status = 200, description = "the process runs", body = String, content_type = "text/plain")))]
pub(crate) async fn livez(NoQuery: NoQuery) -> &'static str {
    "ok"
}

/// Answers 200 if the instance can serve requests, that is, if its database answers.
#[utoipa::path(get, path = "/readyz", tag = "operations", extensions(("x-problems" = json!(["unavailable"]))), responses((status = 200, description = "the instance can serve requests", body = String, content_type = "text/plain")))]
pub(crate) async fn readyz(
    State(state): SharedState,
    NoQuery: NoQuery,
) -> Result<&'static str, Problem> {
    state.core.check_database().await?;
    Ok("ok")
}

/// Returns this OpenAPI document.
#[utoipa::path(get, path = "/openapi.json", tag = "operations", responses((status = 200, description = "OpenAPI 3.1", body = Object, content_type = "application/json")))]
pub(crate) async fn openapi(NoQuery: NoQuery) -> impl IntoResponse {
    (
        StatusCode::OK,
        [(header::CONTENT_TYPE, "application/json")],
        crate::openapi_json(),
    )
}
