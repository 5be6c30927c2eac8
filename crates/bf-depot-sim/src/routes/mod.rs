//! HTTP: the provider protocols under `/accounts`, the control endpoints under `/control`.

mod accounts;
mod behaviour;
mod entrance;
mod failure;
mod fault;
mod json_body;
mod vehicles;
mod viriciti_state;

use axum::Router;
use axum::routing::{get, post, put};
use tokio_util::sync::CancellationToken;

use crate::simulator::Simulator;

/// What every handler gets.
#[derive(Clone, Debug)]
struct App {
    simulator: Simulator,
    /// Cancelled when the server stops: what hangs must end then.
    closing: CancellationToken,
}

pub(crate) fn router(simulator: Simulator, closing: CancellationToken) -> Router {
    Router::new()
        .route("/accounts/{account}/vehicles", get(vehicles::get))
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
