//! `PUT /control/accounts/{account}/vehicles/{id}`.

use axum::extract::{Path, State};
use axum::http::StatusCode;

use super::App;
use super::any_type_json::AnyTypeJson;
use super::failure::RequestFailure;
use crate::behaviour::Behaviour;
use crate::control::Placed;

pub(super) async fn put(
    State(app): State<App>,
    Path((account, id)): Path<(String, String)>,
    AnyTypeJson(behaviour): AnyTypeJson<Behaviour>,
) -> Result<StatusCode, RequestFailure> {
    match app.simulator.set_behaviour(&account, &id, behaviour)? {
        Placed::Added => Ok(StatusCode::CREATED),
        Placed::Replaced => Ok(StatusCode::NO_CONTENT),
    }
}
