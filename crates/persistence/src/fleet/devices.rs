//! The device registry: reading and writing configured devices.

use chrono::{DateTime, Utc};
use domain::fleet::{Device, DeviceFilter, DeviceSpec};
use domain::ids::{ActivationId, DeviceId, ExternalId, ProviderId, VehicleId, WorkspaceId};
use uuid::Uuid;

use crate::postgres::{StorageError, Store, UnitOfWork, decode};

/// The columns of a device.
pub(crate) struct DeviceRow {
    pub device_id: String,
    pub vehicle_id: String,
    pub provider_id: String,
    pub external_id: String,
    pub active: bool,
    pub configured_at: DateTime<Utc>,
    pub activated_at: DateTime<Utc>,
    pub activation_id: Uuid,
    pub version: i64,
}

impl TryFrom<DeviceRow> for Device {
    type Error = StorageError;

    fn try_from(row: DeviceRow) -> Result<Self, StorageError> {
        Ok(Self {
            id: decode::id(DeviceId::try_new, "device_id", &row.device_id)?,
            spec: DeviceSpec {
                vehicle_id: decode::id(VehicleId::try_new, "vehicle_id", &row.vehicle_id)?,
                provider_id: decode::id(ProviderId::try_new, "provider_id", &row.provider_id)?,
                external_id: decode::id(ExternalId::try_new, "external_id", &row.external_id)?,
            },
            active: row.active,
            configured_at: row.configured_at,
            activated_at: row.activated_at,
            activation_id: ActivationId(row.activation_id),
            version: row.version,
        })
    }
}

impl Store {
    /// Loads one device; `None` if the workspace has no such device.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn device(
        &self,
        workspace_id: &WorkspaceId,
        id: &DeviceId,
    ) -> Result<Option<Device>, StorageError> {
        load_device(&self.pool, workspace_id, id).await
    }

    /// Loads a page of a workspace's devices, in order of id: only those after the id `after`, if given.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn devices(
        &self,
        workspace_id: &WorkspaceId,
        filter: &DeviceFilter,
        after: Option<&DeviceId>,
        limit: i64,
    ) -> Result<Vec<Device>, StorageError> {
        sqlx::query_as!(
            DeviceRow,
            r#"/* devices: page */
            SELECT device_id, vehicle_id, provider_id, external_id, active, configured_at, activated_at,
                   activation_id, version
            FROM devices
            WHERE workspace_id = $1
              -- CASE in place of OR: with OR the planner expects hardly any row, and sorts all devices of the workspace.
              AND CASE WHEN $2::boolean IS NULL THEN true ELSE active = $2 END
              AND CASE WHEN $3::text IS NULL THEN true ELSE vehicle_id = $3 END
              AND device_id > $4
            ORDER BY device_id
            LIMIT $5"#,
            workspace_id.as_str(),
            filter.active,
            filter.vehicle_id.as_ref().map(VehicleId::as_str),
            after.map_or("", DeviceId::as_str),
            limit,
        )
        .fetch_all(&self.pool)
        .await?
        .into_iter()
        .map(Device::try_from)
        .collect()
    }

    /// Loads the active devices of a connection, in order of id. A poll expects these devices in the provider's answer.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn devices_of_connection(
        &self,
        workspace_id: &WorkspaceId,
        provider_id: &ProviderId,
    ) -> Result<Vec<Device>, StorageError> {
        sqlx::query_as!(
            DeviceRow,
            r#"/* devices: active ones of a connection */
            SELECT device_id, vehicle_id, provider_id, external_id, active, configured_at, activated_at,
                   activation_id, version
            FROM devices
            WHERE workspace_id = $1 AND provider_id = $2 AND active
            ORDER BY device_id"#,
            workspace_id.as_str(),
            provider_id.as_str(),
        )
        .fetch_all(&self.pool)
        .await?
        .into_iter()
        .map(Device::try_from)
        .collect()
    }
}

impl UnitOfWork {
    /// Loads one device of this workspace, protected by the fence.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn device(&mut self, id: &DeviceId) -> Result<Option<Device>, StorageError> {
        load_device(&mut *self.tx, &self.workspace_id, id).await
    }

    /// Returns the active device that has an external id at a connection, if there is one.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn holder_of_external_id(
        &mut self,
        provider_id: &ProviderId,
        external_id: &ExternalId,
    ) -> Result<Option<DeviceId>, StorageError> {
        sqlx::query_scalar!(
            r#"/* devices: holder of an external id */
            SELECT device_id FROM devices
            WHERE workspace_id = $1 AND provider_id = $2 AND external_id = $3 AND active"#,
            self.workspace_id.as_str(),
            provider_id.as_str(),
            external_id.as_str(),
        )
        .fetch_optional(&mut *self.tx)
        .await?
        .map(|id| decode::id(DeviceId::try_new, "device_id", &id))
        .transpose()
    }

    /// Inserts or replaces a device. The caller holds the exclusive fence. If the activation is new, the snapshot and
    /// the absence of the old activation are deleted; the history stays.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn put_device(&mut self, device: &Device) -> Result<(), StorageError> {
        sqlx::query!(
            r#"/* devices: put */
            INSERT INTO devices (
                workspace_id, device_id, vehicle_id, provider_id, external_id, active, configured_at,
                activated_at, activation_id, version
            )
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
            ON CONFLICT (workspace_id, device_id) DO UPDATE SET
                vehicle_id = excluded.vehicle_id, provider_id = excluded.provider_id,
                external_id = excluded.external_id, active = excluded.active,
                activated_at = excluded.activated_at, activation_id = excluded.activation_id,
                version = excluded.version"#,
            self.workspace_id.as_str(),
            device.id.as_str(),
            device.spec.vehicle_id.as_str(),
            device.spec.provider_id.as_str(),
            device.spec.external_id.as_str(),
            device.active,
            device.configured_at,
            device.activated_at,
            device.activation_id.0,
            device.version,
        )
        .execute(&mut *self.tx)
        .await?;
        sqlx::query!(
            r#"/* snapshots, device_absences: forget other activations */
            WITH forgotten AS (
                DELETE FROM snapshots WHERE workspace_id = $1 AND device_id = $2 AND activation_id <> $3
            )
            DELETE FROM device_absences WHERE workspace_id = $1 AND device_id = $2 AND activation_id <> $3"#,
            self.workspace_id.as_str(),
            device.id.as_str(),
            device.activation_id.0,
        )
        .execute(&mut *self.tx)
        .await?;
        if device.active {
            let DeviceSpec {
                provider_id,
                external_id,
                ..
            } = &device.spec;
            self.forget_unknown_device(&device.id, provider_id, external_id)
                .await?;
        }
        self.bump_registry_version().await
    }
}

/// Loads one device.
async fn load_device(
    executor: impl sqlx::PgExecutor<'_>,
    workspace_id: &WorkspaceId,
    id: &DeviceId,
) -> Result<Option<Device>, StorageError> {
    sqlx::query_as!(
        DeviceRow,
        r#"/* devices: one */
        SELECT device_id, vehicle_id, provider_id, external_id, active, configured_at, activated_at,
               activation_id, version
        FROM devices WHERE workspace_id = $1 AND device_id = $2"#,
        workspace_id.as_str(),
        id.as_str(),
    )
    .fetch_optional(executor)
    .await?
    .map(Device::try_from)
    .transpose()
}
