//! The HTTP endpoints: the provider protocols under `/accounts`, the control endpoints under `/control`.

mod accounts;
mod any_type_json;
mod behaviour;
mod changes;
mod entrance;
mod failure;
mod fault;
mod vehicles;
mod viriciti_state;

use axum::Router;
use axum::routing::{get, post, put};
use tokio_util::sync::CancellationToken;

use crate::simulator::Simulator;

/// The state that every handler shares.
#[derive(Clone, Debug)]
struct App {
    simulator: Simulator,
    /// Cancelled when the server stops, so that hanging requests end.
    closing: CancellationToken,
}

/// Builds the router of all endpoints.
pub(crate) fn router(simulator: Simulator, closing: CancellationToken) -> Router {
    Router::new()
        .route("/accounts/{account}/vehicles", get(vehicles::get))
        .route("/accounts/{account}/changes", get(changes::get))
        .route(
            "/accounts/{account}/api/v2/state",
            post(viriciti_state::post),
        )
        .route("/control/accounts", get(accounts::list))
        .route("/control/accounts/{account}", put(accounts::put))
        .route(
            "/control/accounts/{account}/fault",
            put(fault::put).delete(fault::delete),
        )
        .route(
            "/control/accounts/{account}/vehicles/{id}",
            put(behaviour::put),
        )
        .fallback(failure::not_found)
        .method_not_allowed_fallback(failure::method_not_allowed)
        .with_state(App { simulator, closing })
}
