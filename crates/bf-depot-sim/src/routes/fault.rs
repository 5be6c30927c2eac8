//! `PUT` and `DELETE /control/accounts/{account}/fault`.

use axum::extract::{Path, State};
use axum::http::StatusCode;

use super::App;
use super::any_type_json::AnyTypeJson;
use super::failure::RequestFailure;
use crate::fault::Fault;

pub(super) async fn put(
    State(app): State<App>,
    Path(account): Path<String>,
    AnyTypeJson(fault): AnyTypeJson<Fault>,
) -> Result<StatusCode, RequestFailure> {
    app.simulator.set_fault(&account, fault)?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn delete(
    State(app): State<App>,
    Path(account): Path<String>,
) -> Result<StatusCode, RequestFailure> {
    app.simulator.clear_fault(&account)?;
    Ok(StatusCode::NO_CONTENT)
}
