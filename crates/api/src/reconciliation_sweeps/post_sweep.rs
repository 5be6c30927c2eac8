//! `POST /reconciliation-sweeps`

use application::sweeps::request_sweep;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use domain::ids::SweepId;
use serde::Serialize;
use utoipa::ToSchema;

use crate::access::Caller;
use crate::openapi::schema;
use crate::problem::Problem;
use crate::request::NoQuery;
use crate::state::SharedState;

/// The id of the sweep that was requested, or that was under way already.
#[derive(Serialize, ToSchema)]
pub(crate) struct SweepRequested {
    #[schema(value_type = schema::SweepId)]
    sweep_id: SweepId,
}

/// Requests a sweep, which one of the instances then runs. While a sweep is under way, its id is returned instead.
#[utoipa::path(
    post, path = "/api/telematics-mvp/reconciliation-sweeps", tag = "reconciliation sweeps",
    responses((status = 202, description = "asked for, or under way", body = SweepRequested)),
)]
pub(crate) async fn post_sweep(
    State(state): SharedState,
    caller: Caller,
    NoQuery: NoQuery,
) -> Result<(StatusCode, Json<SweepRequested>), Problem> {
    let sweep_id = request_sweep(&state.core, caller.author()).await?;
    state.wake_sweeper();
    Ok((StatusCode::ACCEPTED, Json(SweepRequested { sweep_id })))
}
