//! The routes of the service, and the layers around them.

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::decompression::RequestDecompressionLayer;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::guard;
use crate::edge::{edge, on_panic};
use crate::idempotency::idempotent;
use crate::state::AppState;
use crate::{
    audit, cutover, dev, devices, docs, events, follow_up, health, indicators, ingest, issues,
    operations, policy, poll_cycles, problem_pages, provider_connections, quarantine,
    reconciliation_sweeps, rejections, snapshots, worklist, workspaces,
};

/// Returns every route with its documentation.
pub(crate) fn documented() -> OpenApiRouter<Arc<AppState>> {
    OpenApiRouter::with_openapi(crate::openapi::base())
        .routes(routes!(operations::livez))
        .routes(routes!(operations::readyz))
        .routes(routes!(operations::openapi))
        .routes(routes!(docs::get_docs))
        .routes(routes!(docs::get_asset))
        .routes(routes!(problem_pages::list_problems))
        .routes(routes!(problem_pages::get_problem))
        .routes(routes!(dev::post_token))
        .routes(routes!(dev::get_jwks))
        .routes(routes!(ingest::post_updates))
        .routes(routes!(ingest::post_envelopes))
        .routes(routes!(quarantine::list_quarantined))
        .routes(routes!(quarantine::post_replay))
        .routes(routes!(poll_cycles::post_cycle))
        .routes(routes!(poll_cycles::list_cycles))
        .routes(routes!(poll_cycles::get_cycle))
        .routes(routes!(reconciliation_sweeps::post_sweep))
        .routes(routes!(reconciliation_sweeps::get_sweep))
        .routes(routes!(health::get_health))
        .routes(routes!(issues::get_issues))
        .routes(routes!(snapshots::list_snapshots))
        .routes(routes!(snapshots::get_snapshot))
        .routes(routes!(snapshots::get_vehicle_snapshot))
        .routes(routes!(workspaces::list_workspaces))
        .routes(routes!(
            workspaces::get_workspace,
            workspaces::put_workspace
        ))
        .routes(routes!(workspaces::get_features))
        .routes(routes!(
            cutover::get_cutover,
            cutover::put_cutover,
            cutover::patch_cutover
        ))
        .routes(routes!(cutover::roll_back))
        .routes(routes!(cutover::get_history))
        .routes(routes!(policy::get_policy, policy::put_policy))
        .routes(routes!(devices::list_devices))
        .routes(routes!(
            devices::get_device,
            devices::put_device,
            devices::delete_device
        ))
        .routes(routes!(rejections::list_rejections))
        .routes(routes!(rejections::list_unknown_devices))
        .routes(routes!(follow_up::get_follow_up, follow_up::put_follow_up))
        .routes(routes!(follow_up::get_follow_up_history))
        .routes(routes!(worklist::list_stale_devices))
        .routes(routes!(worklist::list_follow_ups))
        .routes(routes!(indicators::get_indicators))
        .routes(routes!(indicators::get_overview))
        .routes(routes!(events::list_events))
        .routes(routes!(audit::list_changes))
        .routes(routes!(provider_connections::list_connections))
        .routes(routes!(
            provider_connections::get_connection,
            provider_connections::put_connection,
            provider_connections::delete_connection
        ))
}

/// Builds the router of the whole service. The layers from the outside in are: compression, trace and problem
/// bodies, panics; then, for matched routes only, access, decompression, idempotency keys and the handler.
pub fn router(state: AppState) -> Router {
    let state = Arc::new(state);
    let (routes, _) = documented().split_for_parts();
    routes
        .route_layer(from_fn_with_state(state.clone(), idempotent))
        .route_layer(RequestDecompressionLayer::new())
        .route_layer(from_fn_with_state(state.clone(), guard))
        .fallback(|| async { StatusCode::NOT_FOUND })
        .layer(CatchPanicLayer::custom(on_panic))
        .layer(from_fn_with_state(state.clone(), edge))
        .layer(CompressionLayer::new())
        .with_state(state)
}
