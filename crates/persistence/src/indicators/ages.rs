//! The ages of a workspace's devices, for metrics.

use std::time::Duration;

use chrono::{DateTime, Utc};
use domain::ids::WorkspaceId;

use crate::postgres::{StorageError, Store};

/// A group of devices of about the same age.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AgeGroup {
    /// The mean age of the devices.
    pub age: Duration,
    /// The number of devices.
    pub devices: usize,
}

impl Store {
    /// Loads the ages of active devices at `now`. An age is the time since the last accepted update, or since the
    /// activation if there is none. The devices are grouped by `bounds`, in seconds, so that the number of rows does
    /// not depend on the workspace's size.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn device_ages(
        &self,
        workspace_id: &WorkspaceId,
        bounds: &[f64],
        now: DateTime<Utc>,
    ) -> Result<Vec<AgeGroup>, StorageError> {
        let rows = sqlx::query!(
            r#"/* devices: by age */
            SELECT avg(age) AS "age!", count(*) AS "devices!"
            FROM (
                SELECT greatest(0, extract(epoch FROM $2 - coalesce(s.last_update_received_at, d.activated_at)))::float8 AS age
                FROM devices d
                LEFT JOIN snapshots s ON s.workspace_id = $1 AND s.device_id = d.device_id AND s.activation_id = d.activation_id
                WHERE d.workspace_id = $1 AND d.active
            ) ages
            GROUP BY width_bucket(age, $3::float8[])
            ORDER BY 1"#,
            workspace_id.as_str(),
            now,
            bounds,
        )
        .fetch_all(&self.pool)
        .await?;
        let group = |age, devices: i64| {
            Ok(AgeGroup {
                age: Duration::try_from_secs_f64(age)
                    .map_err(|_| StorageError::corrupt("age", age))?,
                devices: usize::try_from(devices)
                    .map_err(|_| StorageError::corrupt("count of devices", devices))?,
            })
        };
        rows.into_iter()
            .map(|row| group(row.age, row.devices))
            .collect()
    }
}
