//! Reading and writing workspaces. One row holds a workspace with its flags and its policy.

use chrono::{DateTime, Utc};
use domain::fleet::{
    Cutover, CutoverRecord, DeviceRegistrySource, Policy, PolicyRecord, PollOwner, ProviderMode,
    ReadOwner, Workspace, WorkspaceName, WorkspaceRecord,
};
use domain::ids::WorkspaceId;
use domain::polling::{Cadence, Cadences, PollInterval};

use crate::acceptance::WorkspaceVersions;
use crate::postgres::{StorageError, Store, UnitOfWork, decode};

/// The columns of a workspace.
pub(crate) struct WorkspaceRow {
    pub workspace_id: String,
    pub name: String,
    pub active: bool,
    pub created_at: DateTime<Utc>,
    pub registration_number: i64,
    pub version: i64,
    pub registry_version: i64,
    pub device_registry_source: String,
    pub poll_owner: String,
    pub read_owner: String,
    pub provider_mode: String,
    pub cutover_version: i64,
    pub cutover_changed_at: DateTime<Utc>,
    pub cutover_changed_by: String,
    pub poll_interval_minutes: i32,
    pub stale_threshold_minutes: i32,
    pub no_data_grace_minutes: i32,
    pub policy_version: i64,
    pub policy_changed_at: DateTime<Utc>,
    pub polling_changed_at: DateTime<Utc>,
    pub poll_interval_since: DateTime<Utc>,
    pub previous_poll_interval_minutes: Option<i32>,
    pub previous_poll_interval_since: Option<DateTime<Utc>>,
}

impl TryFrom<WorkspaceRow> for WorkspaceRecord {
    type Error = StorageError;

    fn try_from(row: WorkspaceRow) -> Result<Self, StorageError> {
        let cutover = Cutover {
            device_registry_source: decode::word(
                DeviceRegistrySource::parse,
                "device_registry_source",
                &row.device_registry_source,
            )?,
            poll_owner: decode::word(PollOwner::parse, "poll_owner", &row.poll_owner)?,
            read_owner: decode::word(ReadOwner::parse, "read_owner", &row.read_owner)?,
            provider_mode: decode::word(ProviderMode::parse, "provider_mode", &row.provider_mode)?,
        };
        let policy = Policy::try_new(
            row.poll_interval_minutes.into(),
            row.stale_threshold_minutes.into(),
            row.no_data_grace_minutes.into(),
        )
        .map_err(|wrong| StorageError::corrupt("policy", wrong))?;
        let cadences = Cadences {
            current: Cadence {
                interval: policy.poll_interval,
                since: row.poll_interval_since,
            },
            previous: row
                .previous_poll_interval_minutes
                .zip(row.previous_poll_interval_since)
                .map(|(minutes, since)| cadence(minutes, since))
                .transpose()?,
        };
        let workspace = Workspace {
            id: decode::id(WorkspaceId::try_new, "workspace_id", &row.workspace_id)?,
            name: WorkspaceName::try_new(&row.name)
                .map_err(|_| StorageError::corrupt("name", &row.name))?,
            active: row.active,
            created_at: row.created_at,
            registration_number: row.registration_number,
            version: row.version,
            cutover,
            policy,
            cadences,
            polling_changed_at: row.polling_changed_at,
        };
        let cutover = CutoverRecord {
            version: row.cutover_version,
            changed_at: row.cutover_changed_at,
            changed_by: row.cutover_changed_by,
        };
        let policy = PolicyRecord {
            version: row.policy_version,
            changed_at: row.policy_changed_at,
        };
        Ok(Self {
            workspace,
            cutover,
            policy,
            registry_version: row.registry_version,
        })
    }
}

/// Converts the two columns of a cadence.
pub(crate) fn cadence(minutes: i32, since: DateTime<Utc>) -> Result<Cadence, StorageError> {
    let interval = PollInterval::try_new(minutes.into())
        .ok_or_else(|| StorageError::corrupt("poll interval", minutes))?;
    Ok(Cadence { interval, since })
}

impl Store {
    /// Loads one workspace; `None` if there is no such workspace.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn workspace(
        &self,
        id: &WorkspaceId,
    ) -> Result<Option<WorkspaceRecord>, StorageError> {
        load_workspace(&self.pool, id).await
    }

    /// Loads a page of workspaces, in order of id: only those after the id `after`, if given.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn workspaces(
        &self,
        after: Option<&WorkspaceId>,
        limit: i64,
    ) -> Result<Vec<WorkspaceRecord>, StorageError> {
        sqlx::query_as!(
            WorkspaceRow,
            r#"/* workspaces: page */
            SELECT workspace_id, name, active, created_at, registration_number, version, registry_version,
                   device_registry_source, poll_owner, read_owner, provider_mode,
                   cutover_version, cutover_changed_at, cutover_changed_by,
                   poll_interval_minutes, stale_threshold_minutes, no_data_grace_minutes,
                   policy_version, policy_changed_at, polling_changed_at, poll_interval_since,
                   previous_poll_interval_minutes, previous_poll_interval_since
            FROM workspaces
            WHERE workspace_id > $1
            ORDER BY workspace_id
            LIMIT $2"#,
            after.map_or("", WorkspaceId::as_str),
            limit,
        )
        .fetch_all(&self.pool)
        .await?
        .into_iter()
        .map(WorkspaceRecord::try_from)
        .collect()
    }
}

impl Store {
    /// Loads the given workspaces, in no order; workspaces that do not exist are left out.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn workspaces_by_id(
        &self,
        ids: &[&WorkspaceId],
    ) -> Result<Vec<WorkspaceRecord>, StorageError> {
        let ids: Vec<&str> = ids.iter().map(|id| id.as_str()).collect();
        sqlx::query_as!(
            WorkspaceRow,
            r#"/* workspaces: some */
            SELECT workspace_id, name, active, created_at, registration_number, version, registry_version,
                   device_registry_source, poll_owner, read_owner, provider_mode,
                   cutover_version, cutover_changed_at, cutover_changed_by,
                   poll_interval_minutes, stale_threshold_minutes, no_data_grace_minutes,
                   policy_version, policy_changed_at, polling_changed_at, poll_interval_since,
                   previous_poll_interval_minutes, previous_poll_interval_since
            FROM workspaces
            WHERE workspace_id = ANY ($1::text[])"#,
            &ids as &[&str],
        )
        .fetch_all(&self.pool)
        .await?
        .into_iter()
        .map(WorkspaceRecord::try_from)
        .collect()
    }
}

impl UnitOfWork {
    /// Loads this unit of work's workspace, protected by the fence. The device cache is used from here on for the
    /// versions that were read.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn workspace(&mut self) -> Result<Option<WorkspaceRecord>, StorageError> {
        let record = load_workspace(&mut *self.tx, &self.workspace_id).await?;
        if let Some(record) = &record {
            let versions = WorkspaceVersions {
                registry_version: record.registry_version,
                cutover_version: record.cutover.version,
                active: record.workspace.active,
                cutover: record.workspace.cutover,
            };
            self.cache.use_versions(versions);
        }
        Ok(record)
    }

    /// Inserts the workspace with the next registration number and the default policy.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn insert_workspace(
        &mut self,
        name: &WorkspaceName,
        active: bool,
        cutover: Cutover,
        by: &str,
        now: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        let policy = Policy::default();
        sqlx::query!(
            r#"/* workspaces: register */
            WITH counted AS (
                UPDATE registration_counter SET last_number = last_number + 1 RETURNING last_number
            )
            INSERT INTO workspaces (
                workspace_id, name, active, created_at, registration_number, version,
                device_registry_source, poll_owner, read_owner, provider_mode,
                cutover_version, cutover_changed_at, cutover_changed_by,
                poll_interval_minutes, stale_threshold_minutes, no_data_grace_minutes,
                policy_version, policy_changed_at, polling_changed_at, poll_interval_since
            )
            SELECT $1, $2, $3, $4, last_number, 1, $5, $6, $7, $8, 1, $4, $9, $10, $11, $12, 1, $4, $4, $4
            FROM counted"#,
            self.workspace_id.as_str(),
            name.as_str(),
            active,
            now,
            cutover.device_registry_source.as_str(),
            cutover.poll_owner.as_str(),
            cutover.read_owner.as_str(),
            cutover.provider_mode.as_str(),
            by,
            minutes_column(policy.poll_interval.minutes()),
            minutes_column(policy.stale_threshold_minutes),
            minutes_column(policy.no_data_grace_minutes),
        )
        .execute(&mut *self.tx)
        .await?;
        self.append_cutover_change(1, None, cutover, by, None, now)
            .await
    }

    /// Replaces the workspace's name and activity.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn update_workspace(
        &mut self,
        name: &WorkspaceName,
        active: bool,
        now: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        sqlx::query!(
            r#"/* workspaces: change */
            UPDATE workspaces
            SET name = $2, active = $3, version = version + 1,
                polling_changed_at = CASE WHEN active = $3 THEN polling_changed_at ELSE $4 END
            WHERE workspace_id = $1"#,
            self.workspace_id.as_str(),
            name.as_str(),
            active,
            now,
        )
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }

    /// Replaces the policy. `cadences` says since when the new poll interval counts, and which one counted before.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn update_policy(
        &mut self,
        policy: Policy,
        cadences: Cadences,
        now: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        let previous = cadences.previous;
        sqlx::query!(
            r#"/* workspaces: change policy */
            UPDATE workspaces
            SET poll_interval_minutes = $2, stale_threshold_minutes = $3, no_data_grace_minutes = $4,
                policy_version = policy_version + 1, policy_changed_at = $5, poll_interval_since = $6,
                previous_poll_interval_minutes = $7, previous_poll_interval_since = $8
            WHERE workspace_id = $1"#,
            self.workspace_id.as_str(),
            minutes_column(policy.poll_interval.minutes()),
            minutes_column(policy.stale_threshold_minutes),
            minutes_column(policy.no_data_grace_minutes),
            now,
            cadences.current.since,
            previous.map(|cadence| minutes_column(cadence.interval.minutes())),
            previous.map(|cadence| cadence.since),
        )
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }

    /// Increments the registry version, so that every instance discards its cached connections and devices of this
    /// workspace.
    pub(crate) async fn bump_registry_version(&mut self) -> Result<(), StorageError> {
        sqlx::query!(
            r#"/* workspaces: registry changed */
            UPDATE workspaces SET registry_version = registry_version + 1 WHERE workspace_id = $1"#,
            self.workspace_id.as_str(),
        )
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }
}

/// Loads one workspace.
pub(crate) async fn load_workspace(
    executor: impl sqlx::PgExecutor<'_>,
    id: &WorkspaceId,
) -> Result<Option<WorkspaceRecord>, StorageError> {
    sqlx::query_as!(
        WorkspaceRow,
        r#"/* workspaces: one */
        SELECT workspace_id, name, active, created_at, registration_number, version, registry_version,
               device_registry_source, poll_owner, read_owner, provider_mode,
               cutover_version, cutover_changed_at, cutover_changed_by,
               poll_interval_minutes, stale_threshold_minutes, no_data_grace_minutes,
               policy_version, policy_changed_at, polling_changed_at, poll_interval_since,
               previous_poll_interval_minutes, previous_poll_interval_since
        FROM workspaces WHERE workspace_id = $1"#,
        id.as_str(),
    )
    .fetch_optional(executor)
    .await?
    .map(WorkspaceRecord::try_from)
    .transpose()
}

/// Converts minutes to their column's type; minutes of a policy are far below the limit.
fn minutes_column(minutes: u32) -> i32 {
    i32::try_from(minutes).unwrap_or(i32::MAX)
}
