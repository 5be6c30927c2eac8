//! `GET /workspaces/{workspace_id}/features`

use application::queries::get_workspace;
use axum::Json;
use axum::extract::State;
use domain::ids::WorkspaceId;
use serde::Serialize;
use utoipa::ToSchema;

use crate::problem::Problem;
use crate::request::{NoQuery, Path1};
use crate::state::SharedState;

/// The feature flags of pages, by name.
#[derive(Serialize, ToSchema)]
pub(crate) struct FeaturesView {
    #[serde(rename = "workspace-telematics-mvp-settings")]
    workspace_settings: bool,
}

/// Returns the feature flags that say which pages the user interface offers.
#[utoipa::path(
    get, path = "/api/telematics-mvp/workspaces/{workspace_id}/features", tag = "workspaces",
    responses((status = 200, body = FeaturesView)),
)]
pub(crate) async fn get_features(
    State(state): SharedState,
    Path1(id): Path1<WorkspaceId>,
    NoQuery: NoQuery,
) -> Result<Json<FeaturesView>, Problem> {
    get_workspace(&state.core, &id).await?;
    Ok(Json(FeaturesView {
        workspace_settings: state.features.workspace_settings,
    }))
}
