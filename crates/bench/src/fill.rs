//! The fleets that are written straight into the tables, because the API would take too long.

use sqlx::PgConnection;

/// The workspaces. The legacy service polls them, so that no cycles run beside the measurement.
const WORKSPACES: &str = "
    INSERT INTO workspaces (workspace_id, name, active, created_at, registration_number, version,
        device_registry_source, poll_owner, read_owner, provider_mode,
        cutover_version, cutover_changed_at, cutover_changed_by, polling_changed_at,
        poll_interval_minutes, stale_threshold_minutes, no_data_grace_minutes, policy_version, policy_changed_at,
        poll_interval_since)
    SELECT $1 || lpad(number::text, 5, '0'), 'bench', true, now(), 1000000 + number, 1,
        'core', 'legacy', 'core', 'mixed', 1, now(), 'bench', now(), 5, 15, 60, 1, now(), now()
    FROM generate_series($2::int, $3::int - 1) AS number";

const CONNECTIONS: &str = "
    INSERT INTO provider_connections (workspace_id, provider_id, provider_type, base_url, enabled, settings, version, created_at,
        changed_at)
    SELECT $1 || lpad(number::text, 5, '0'), 'bench', 'depot_sim', 'http://127.0.0.1:9', true, '{}', 1, now(), now()
    FROM generate_series($2::int, $3::int - 1) AS number";

const DEVICES: &str = "
    INSERT INTO devices (workspace_id, device_id, vehicle_id, provider_id, external_id, active,
        configured_at, activated_at, activation_id, reported_in, version)
    SELECT $1 || lpad(number::text, 5, '0'), name, name, 'bench', name, true, now(), now(), activation, activation, 1
    FROM generate_series($2::int, $3::int - 1) AS number,
         generate_series(0, $4::int - 1) AS device,
         LATERAL (SELECT gen_random_uuid() AS activation WHERE number + device >= 0) AS one,
         format('device-%s', lpad(device::text, greatest(4, length(device::text)), '0')) AS name";

/// The snapshots of the devices: the ten signals of the load, observed just now.
const SNAPSHOTS: &str = r#"
    INSERT INTO snapshots (workspace_id, device_id, activation_id, version, replaces_version,
        last_update_received_at, newest_observed_at, signals, dropped)
    SELECT workspace_id, device_id, activation_id, 1, 0, now(), date_trunc('second', now()),
        json_build_object(to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), $4::text::json), '{}'
    FROM devices
    WHERE workspace_id >= $1 || lpad($2::int::text, 5, '0') AND workspace_id < $1 || lpad($3::int::text, 5, '0')"#;

/// A range of workspaces to write, named by a prefix and their number, with their devices and snapshots.
pub(crate) struct Fill<'f> {
    pub(crate) prefix: &'f str,
    /// The first workspace's number.
    pub(crate) from: i32,
    /// The number after the last workspace's.
    pub(crate) to: i32,
    /// The number of devices in each workspace.
    pub(crate) devices: i32,
    /// The signals of every device, as JSON.
    pub(crate) signals: &'f str,
}

impl Fill<'_> {
    /// Writes the workspaces with their connections, devices and snapshots.
    ///
    /// # Errors
    /// If PostgreSQL refuses a statement.
    pub(crate) async fn write(&self, connection: &mut PgConnection) -> anyhow::Result<()> {
        for statement in [WORKSPACES, CONNECTIONS] {
            sqlx::query(statement)
                .bind(self.prefix)
                .bind(self.from)
                .bind(self.to)
                .execute(&mut *connection)
                .await?;
        }
        sqlx::query(DEVICES)
            .bind(self.prefix)
            .bind(self.from)
            .bind(self.to)
            .bind(self.devices)
            .execute(&mut *connection)
            .await?;
        sqlx::query(SNAPSHOTS)
            .bind(self.prefix)
            .bind(self.from)
            .bind(self.to)
            .bind(self.signals)
            .execute(&mut *connection)
            .await?;
        Ok(())
    }
}
