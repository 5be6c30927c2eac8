//! The commands that configure and remove a provider connection.

use domain::events::EventType;
use domain::fleet::{Connection, CredentialRef, ProviderType};
use domain::ids::{ProviderId, WorkspaceId};
use persistence::Fence;
use persistence::fleet::ConnectionRemoval;
use serde_json::json;

use super::{ChangeError, Conflict, Precondition};
use crate::audit::Change;
use crate::{Author, Core};

/// The requested configuration of a connection.
#[derive(Clone, Debug, PartialEq)]
pub struct ConnectionSpec {
    /// The provider's protocol.
    pub provider_type: ProviderType,
    /// The URL of the provider. The HTTP layer has compared it with the allowed hosts.
    pub base_url: String,
    /// The reference to the credential, which is never stored itself.
    pub credential_ref: Option<CredentialRef>,
    /// Whether the connection is polled and its messages are accepted.
    pub enabled: bool,
    /// The interval at which devices report, declared if they report less often than they are polled.
    pub expected_reporting_interval_minutes: Option<u32>,
    /// The settings that only this type of provider has.
    pub settings: serde_json::Map<String, serde_json::Value>,
}

/// Writes a connection as requested. Returns the connection, and `true` if the connection is new. A connection that is
/// already as requested keeps its version.
///
/// # Errors
/// [`ChangeError`], with nothing changed.
pub async fn put_connection(
    core: &Core,
    author: Author<'_>,
    workspace_id: &WorkspaceId,
    id: &ProviderId,
    spec: ConnectionSpec,
    precondition: &Precondition,
) -> Result<(Connection, bool), ChangeError<Connection>> {
    let mut uow = core.store.begin(workspace_id, Fence::Exclusive).await?;
    uow.workspace()
        .await?
        .ok_or(ChangeError::UnknownWorkspace)?;
    let existing = uow.connection(id).await?;
    if existing
        .as_ref()
        .is_some_and(|existing| existing.provider_type != spec.provider_type)
    {
        return Err(ChangeError::Conflict(Conflict::ProviderTypeFixed));
    }
    if !precondition.allows(existing.as_ref().map(|connection| connection.version)) {
        return Err(
            existing.map_or(ChangeError::Unknown("connection"), |connection| {
                ChangeError::Outdated(Box::new(connection))
            }),
        );
    }
    let version = existing.as_ref().map_or(0, |connection| connection.version);
    let asked = Connection {
        id: id.clone(),
        provider_type: spec.provider_type,
        base_url: spec.base_url,
        credential_ref: spec.credential_ref,
        enabled: spec.enabled,
        expected_reporting_interval_minutes: spec.expected_reporting_interval_minutes,
        settings: spec.settings,
        version,
    };
    if existing.as_ref() == Some(&asked) {
        return Ok((asked, false));
    }
    let connection = Connection {
        version: version + 1,
        ..asked
    };
    uow.put_connection(&connection, core.clock.now()).await?;
    let mut payload = describe(&connection);
    payload["from"] = existing.as_ref().map(describe).into();
    let change = Change::new(EventType::ProviderConnectionConfigured, payload);
    core.record_change(&mut uow, author, change).await?;
    uow.commit().await?;
    Ok((connection, existing.is_none()))
}

/// Removes a connection that no active device uses.
///
/// # Errors
/// [`ChangeError`], with nothing changed.
pub async fn remove_connection(
    core: &Core,
    author: Author<'_>,
    workspace_id: &WorkspaceId,
    id: &ProviderId,
    precondition: &Precondition,
) -> Result<(), ChangeError<Connection>> {
    let mut uow = core.store.begin(workspace_id, Fence::Exclusive).await?;
    uow.workspace()
        .await?
        .ok_or(ChangeError::UnknownWorkspace)?;
    let existing = uow
        .connection(id)
        .await?
        .ok_or(ChangeError::Unknown("connection"))?;
    match uow.remove_connection(id).await? {
        ConnectionRemoval::HasDevices => {
            return Err(ChangeError::Conflict(Conflict::ConnectionInUse));
        }
        ConnectionRemoval::Unknown => return Err(ChangeError::Unknown("connection")),
        ConnectionRemoval::Removed => {}
    }
    if !precondition.allows(Some(existing.version)) {
        return Err(ChangeError::Outdated(Box::new(existing)));
    }
    let payload = json!({"provider_id": id, "from": describe(&existing)});
    let change = Change::new(EventType::ProviderConnectionRemoved, payload);
    core.record_change(&mut uow, author, change).await?;
    Ok(uow.commit().await?)
}

/// Describes a connection for its events.
fn describe(connection: &Connection) -> serde_json::Value {
    json!({
        "provider_id": connection.id,
        "provider_type": connection.provider_type,
        "base_url": connection.base_url,
        "credential_ref": connection.credential_ref.as_ref().map(CredentialRef::as_str),
        "enabled": connection.enabled,
        "expected_reporting_interval_minutes": connection.expected_reporting_interval_minutes,
        "settings": connection.settings,
        "version": connection.version,
    })
}
