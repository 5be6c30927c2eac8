//! `PUT` and `DELETE /control/accounts/{account}/fault`.

use axum::extract::{Path, State};
use axum::http::StatusCode;

use super::App;
use super::failure::Failure;
use super::json_body::JsonBody;
use crate::fault::Fault;

pub(super) async fn put(
    State(app): State<App>,
    Path(account): Path<String>,
    JsonBody(fault): JsonBody<Fault>,
) -> Result<StatusCode, Failure> {
    app.simulator.set_fault(&account, fault)?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn delete(
    State(app): State<App>,
    Path(account): Path<String>,
) -> Result<StatusCode, Failure> {
    app.simulator.clear_fault(&account)?;
    Ok(StatusCode::NO_CONTENT)
}
