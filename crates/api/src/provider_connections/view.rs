//! A provider connection, as answers show it: with the place of its credential, never with the credential.

use domain::fleet::{Connection, CredentialRef, ProviderType};
use domain::ids::ProviderId;
use serde::Serialize;
use utoipa::ToSchema;

use crate::openapi::schema;

/// One provider connection.
#[derive(Serialize, ToSchema)]
pub(crate) struct ProviderConnectionView {
    #[schema(value_type = schema::ProviderId)]
    provider_id: ProviderId,
    #[schema(value_type = schema::ProviderType)]
    provider_type: ProviderType,
    #[schema(example = "https://my.geotab.com")]
    base_url: String,
    /// Where the credential is found; never the credential itself.
    #[schema(required, example = "env:PROVIDER_GEOTAB_NORTH")]
    credential_ref: Option<String>,
    enabled: bool,
    #[schema(required, example = json!(null))]
    expected_reporting_interval_minutes: Option<u32>,
    #[schema(value_type = Object, example = json!({}))]
    settings: serde_json::Map<String, serde_json::Value>,
    version: i64,
}

pub(super) fn render_connection(connection: &Connection) -> ProviderConnectionView {
    ProviderConnectionView {
        provider_id: connection.id.clone(),
        provider_type: connection.provider_type,
        base_url: connection.base_url.clone(),
        credential_ref: connection
            .credential_ref
            .as_ref()
            .map(CredentialRef::as_str)
            .map(str::to_owned),
        enabled: connection.enabled,
        expected_reporting_interval_minutes: connection.expected_reporting_interval_minutes,
        settings: connection.settings.clone(),
        version: connection.version,
    }
}
