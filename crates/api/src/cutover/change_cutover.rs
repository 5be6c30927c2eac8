//! `PUT` and `PATCH /workspaces/{workspace_id}/cutover`, and `POST …/cutover/rollback`

use application::commands::{self, CutoverCommand, Precondition};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use domain::fleet::{CutoverPatch, DeviceRegistrySource, PollOwner, ProviderMode, ReadOwner};
use domain::ids::WorkspaceId;
use serde::Deserialize;
use serde::de::IgnoredAny;
use utoipa::ToSchema;

use super::view::{CutoverFlags, CutoverView, render_cutover};
use crate::access::Caller;
use crate::openapi::schema;
use crate::problem::{FieldError, Problem};
use crate::request::{IfMatch, JsonBody, NoQuery, Path1, respond_with_etag};
use crate::state::{AppState, SharedState};

/// The largest length of a reason, in characters.
const MAX_REASON_CHARACTERS: usize = 1_000;

/// All four flags with their new values. The other members of the answer are accepted and ignored.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PutCutover {
    #[schema(value_type = schema::DeviceRegistrySource)]
    device_registry_source: DeviceRegistrySource,
    #[schema(value_type = schema::PollOwner)]
    poll_owner: PollOwner,
    #[schema(value_type = schema::ReadOwner)]
    read_owner: ReadOwner,
    #[schema(value_type = schema::ProviderMode)]
    provider_mode: ProviderMode,
    /// The reason for the change, which is kept in the history.
    #[schema(
        max_length = 1000,
        pattern = "^[^\\u0000]*$",
        example = "parity above 99 percent for a week"
    )]
    reason: Option<String>,
    #[serde(default, rename = "version")]
    #[schema(value_type = schema::Ignored)]
    _version: IgnoredAny,
    #[serde(default, rename = "changed_at")]
    #[schema(value_type = schema::Ignored)]
    _changed_at: IgnoredAny,
    #[serde(default, rename = "changed_by")]
    #[schema(value_type = schema::Ignored)]
    _changed_by: IgnoredAny,
    #[serde(default, rename = "warnings")]
    #[schema(value_type = schema::Ignored)]
    _warnings: IgnoredAny,
}

/// The flags to change; the others stay as they are.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PatchCutover {
    #[schema(value_type = Option<schema::DeviceRegistrySource>)]
    device_registry_source: Option<DeviceRegistrySource>,
    #[schema(value_type = Option<schema::PollOwner>)]
    poll_owner: Option<PollOwner>,
    #[schema(value_type = Option<schema::ReadOwner>)]
    read_owner: Option<ReadOwner>,
    #[schema(value_type = Option<schema::ProviderMode>)]
    provider_mode: Option<ProviderMode>,
    /// The reason for the change, which is kept in the history.
    #[schema(
        max_length = 1000,
        pattern = "^[^\\u0000]*$",
        example = "parity above 99 percent for a week"
    )]
    reason: Option<String>,
}

/// The request to give polls and reads back to the legacy service.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PostRollback {
    /// The reason for the change, which is kept in the history.
    #[schema(
        max_length = 1000,
        pattern = "^[^\\u0000]*$",
        example = "wrong odometer values"
    )]
    reason: Option<String>,
}

/// Replaces all four flags at once.
#[utoipa::path(
    put, path = "/api/telematics-mvp/workspaces/{workspace_id}/cutover", tag = "cutover",
    params(("If-Match" = Option<String>, Header)),
    request_body = PutCutover,
    responses((status = 200, body = CutoverView)),
)]
pub(crate) async fn put_cutover(
    State(state): SharedState,
    caller: Caller,
    Path1(id): Path1<WorkspaceId>,
    NoQuery: NoQuery,
    IfMatch(precondition): IfMatch,
    JsonBody(body): JsonBody<PutCutover>,
) -> Result<Response, Problem> {
    let PutCutover {
        device_registry_source,
        poll_owner,
        read_owner,
        provider_mode,
        reason,
        ..
    } = body;
    let flags = CutoverFlags {
        device_registry_source,
        poll_owner,
        read_owner,
        provider_mode,
    };
    apply_change(
        &state,
        &caller,
        &id,
        CutoverCommand::Replace(flags.into()),
        reason,
        &precondition,
    )
    .await
}

/// Changes one or more flags at once.
#[utoipa::path(
    patch, path = "/api/telematics-mvp/workspaces/{workspace_id}/cutover", tag = "cutover",
    params(("If-Match" = Option<String>, Header)),
    request_body = PatchCutover,
    responses((status = 200, body = CutoverView)),
)]
pub(crate) async fn patch_cutover(
    State(state): SharedState,
    caller: Caller,
    Path1(id): Path1<WorkspaceId>,
    NoQuery: NoQuery,
    IfMatch(precondition): IfMatch,
    JsonBody(body): JsonBody<PatchCutover>,
) -> Result<Response, Problem> {
    let PatchCutover {
        device_registry_source,
        poll_owner,
        read_owner,
        provider_mode,
        reason,
    } = body;
    let patch = CutoverPatch {
        device_registry_source,
        poll_owner,
        read_owner,
        provider_mode,
    };
    apply_change(
        &state,
        &caller,
        &id,
        CutoverCommand::Patch(patch),
        reason,
        &precondition,
    )
    .await
}

/// Gives reads and polls back to the legacy service in one call, whatever the version of the flags.
#[utoipa::path(
    post, path = "/api/telematics-mvp/workspaces/{workspace_id}/cutover/rollback", tag = "cutover",
    request_body = PostRollback,
    responses((status = 200, body = CutoverView, headers(("ETag" = String)))),
)]
pub(crate) async fn roll_back(
    State(state): SharedState,
    caller: Caller,
    Path1(id): Path1<WorkspaceId>,
    NoQuery: NoQuery,
    JsonBody(body): JsonBody<PostRollback>,
) -> Result<Response, Problem> {
    apply_change(
        &state,
        &caller,
        &id,
        CutoverCommand::RollBack,
        body.reason,
        &Precondition::None,
    )
    .await
}

async fn apply_change(
    state: &AppState,
    caller: &Caller,
    id: &WorkspaceId,
    command: CutoverCommand,
    reason: Option<String>,
    precondition: &Precondition,
) -> Result<Response, Problem> {
    if reason.as_ref().is_some_and(|reason| {
        reason.chars().count() > MAX_REASON_CHARACTERS || reason.contains('\0')
    }) {
        return Err(Problem::invalid(vec![FieldError::pointer(
            "/reason",
            "must be at most 1000 characters, without NUL",
        )]));
    }
    let changed = commands::change_cutover(
        &state.core,
        caller.author(),
        id,
        command,
        reason.as_deref(),
        precondition,
    )
    .await;
    let record = changed.map_err(|error| Problem::of_change(error, render_cutover))?;
    Ok(respond_with_etag(
        StatusCode::OK,
        record.cutover.version,
        render_cutover(&record),
    ))
}
