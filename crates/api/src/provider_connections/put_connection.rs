//! `PUT /workspaces/{workspace_id}/provider-connections/{provider_id}`

use application::commands::{self, ConnectionSpec};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use domain::fleet::{CredentialRef, ProviderType};
use domain::ids::{ProviderId, WorkspaceId};
use providers::{AddressPolicy, ProviderRegistry};
use serde::Deserialize;
use serde::de::IgnoredAny;
use utoipa::ToSchema;

use super::view::{ProviderConnectionView, render_connection};
use crate::access::Caller;
use crate::openapi::schema;
use crate::problem::{FieldError, Problem};
use crate::request::{IfMatch, JsonBody, NoQuery, Path2, respond_with_etag};
use crate::state::SharedState;

/// The new state of a connection. The other members of the answer are accepted and ignored.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PutConnection {
    /// The type of the provider, which cannot change later.
    #[schema(value_type = schema::ProviderType)]
    provider_type: ProviderType,
    /// The base address of the provider: `https`, and a host that the configuration allows.
    #[schema(format = "uri", example = "https://my.geotab.com")]
    base_url: String,
    /// Where the credential is found: `env:PROVIDER_…`, or `file:` and a path below the configured folder.
    #[schema(
        max_length = 256,
        pattern = "^(env:PROVIDER_[A-Z0-9_]+|file:[A-Za-z0-9._/-]+)$",
        example = "env:PROVIDER_GEOTAB_NORTH"
    )]
    credential_ref: Option<String>,
    #[serde(default = "enabled")]
    enabled: bool,
    /// How often devices report, 1 to 1440 minutes, if they report less often than they are polled.
    #[schema(minimum = 1, maximum = 1440, example = json!(null))]
    expected_reporting_interval_minutes: Option<u32>,
    /// Settings of this type of provider. For `depot_sim`, `feed` is `whole` (each poll returns every vehicle) or
    /// `changes` (each poll returns the changes since the poll before).
    #[serde(default)]
    #[schema(value_type = Object, example = json!({}))]
    settings: serde_json::Map<String, serde_json::Value>,
    #[serde(default, rename = "provider_id")]
    #[schema(value_type = schema::Ignored)]
    _provider_id: IgnoredAny,
    #[serde(default, rename = "version")]
    #[schema(value_type = schema::Ignored)]
    _version: IgnoredAny,
}

const fn enabled() -> bool {
    true
}

/// Configures a new connection, or changes an existing one.
#[utoipa::path(
    put, path = "/api/telematics-mvp/workspaces/{workspace_id}/provider-connections/{provider_id}", tag = "provider connections",
    params(("If-Match" = Option<String>, Header)),
    request_body = PutConnection,
    extensions(("x-problems" = json!(["conflict"]))),
    responses((status = 200, body = ProviderConnectionView), (status = 201, body = ProviderConnectionView), (status = 409, description = "it exists with another type")),
)]
pub(crate) async fn put_connection(
    State(state): SharedState,
    caller: Caller,
    Path2(workspace_id, provider_id): Path2<WorkspaceId, ProviderId>,
    NoQuery: NoQuery,
    IfMatch(precondition): IfMatch,
    JsonBody(body): JsonBody<PutConnection>,
) -> Result<Response, Problem> {
    let registry = &state.core.provider_registry;
    let spec = check_connection(body, registry, &state.addresses).map_err(Problem::invalid)?;
    let put = commands::put_connection(
        &state.core,
        caller.author(),
        &workspace_id,
        &provider_id,
        spec,
        &precondition,
    )
    .await;
    let (connection, created) =
        put.map_err(|error| Problem::of_change(error, render_connection))?;
    let status = if created {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    Ok(respond_with_etag(
        status,
        connection.version,
        render_connection(&connection),
    ))
}

fn check_connection(
    body: PutConnection,
    registry: &ProviderRegistry,
    addresses: &AddressPolicy,
) -> Result<ConnectionSpec, Vec<FieldError>> {
    let mut errors = Vec::new();
    // Checked here, because the URL parser drops such characters silently, and the database refuses NUL.
    if body.base_url.contains(char::is_control) {
        errors.push(FieldError::pointer(
            "/base_url",
            "must not contain control characters",
        ));
    } else if let Err(refusal) = addresses.check(&body.base_url) {
        errors.push(FieldError::pointer("/base_url", refusal.to_string()));
    }
    let credential_ref = body
        .credential_ref
        .as_deref()
        .map(CredentialRef::try_new)
        .transpose()
        .unwrap_or_else(|invalid| {
            errors.push(FieldError::pointer("/credential_ref", invalid.to_string()));
            None
        });
    if body
        .expected_reporting_interval_minutes
        .is_some_and(|minutes| !(1..=1440).contains(&minutes))
    {
        errors.push(FieldError::pointer(
            "/expected_reporting_interval_minutes",
            "must be 1 to 1440",
        ));
    }
    if serde_json::to_string(&body.settings).is_ok_and(|settings| settings.contains("\\u0000")) {
        errors.push(FieldError::pointer("/settings", "must not contain NUL"));
    }
    if let Err(invalid) = registry.check_settings(body.provider_type, &body.settings) {
        let pointer = format!("/settings/{}", invalid.member);
        errors.push(FieldError::pointer(pointer, invalid.rule));
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    Ok(ConnectionSpec {
        provider_type: body.provider_type,
        base_url: body.base_url,
        credential_ref,
        enabled: body.enabled,
        expected_reporting_interval_minutes: body.expected_reporting_interval_minutes,
        settings: body.settings,
    })
}
