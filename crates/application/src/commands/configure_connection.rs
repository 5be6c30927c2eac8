//! Configuring provider connections.

use domain::events::EventType;
use domain::fleet::{Connection, CredentialRef, ProviderType};
use domain::ids::{ProviderId, WorkspaceId};
use persistence::Fence;
use persistence::fleet::ConnectionRemoval;
use serde_json::json;

use super::{ChangeError, Conflict, Precondition};
use crate::audit::Change;
use crate::{Author, Core};

/// What a connection is asked to be.
#[derive(Clone, Debug, PartialEq)]
pub struct ConnectionSpec {
    /// The protocol.
    pub provider_type: ProviderType,
    /// Where the provider listens; checked by the edge against the allowed hosts.
    pub base_url: String,
    /// Where the credential is found.
    pub credential_ref: Option<CredentialRef>,
    /// Whether it is switched on.
    pub enabled: bool,
    /// Declared when devices report less often than they are polled.
    pub expected_reporting_interval_minutes: Option<u32>,
    /// Provider-specific settings.
    pub settings: serde_json::Map<String, serde_json::Value>,
}

/// Writes a connection as asked for; `true` when it is new.
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
    let mut payload = members(&connection);
    payload["from"] = existing.as_ref().map(members).into();
    let change = Change::new(EventType::ProviderConnectionConfigured, payload);
    core.record_change(&mut uow, author, change).await?;
    uow.commit().await?;
    Ok((connection, existing.is_none()))
}

/// Removes a connection that no active device speaks through.
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
    let payload = json!({"provider_id": id, "from": members(&existing)});
    let change = Change::new(EventType::ProviderConnectionRemoved, payload);
    core.record_change(&mut uow, author, change).await?;
    Ok(uow.commit().await?)
}

fn members(connection: &Connection) -> serde_json::Value {
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
