//! Deciding a batch by what an instance remembers, before the database is asked: then recording it is one
//! message to the database and one back, its commit included.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use domain::acceptance::{Item, Registry};
use domain::fleet::Cutover;
use domain::ids::WorkspaceId;
use uuid::Uuid;

use crate::kept::KeptConnections;
use crate::memory::{Recall, Standing};
use crate::recording::{Columns, Recording};
use crate::{HeldByDevice, StorageError, Store};

/// An active workspace as this instance remembers it.
#[derive(Debug)]
pub struct RememberedWorkspace {
    connections: Arc<KeptConnections>,
    workspace_id: WorkspaceId,
    recall: Recall,
    standing: Standing,
}

impl Store {
    /// What this instance remembers of a workspace, if it has seen it and it was active.
    pub fn remembered(&self, workspace_id: &WorkspaceId) -> Option<RememberedWorkspace> {
        let (recall, standing) = Recall::as_remembered(&self.memory, workspace_id)?;
        standing.active.then(|| RememberedWorkspace {
            connections: Arc::clone(&self.kept),
            workspace_id: workspace_id.clone(),
            recall,
            standing,
        })
    }
}

impl RememberedWorkspace {
    /// The flags as they are remembered.
    pub fn cutover(&self) -> Cutover {
        self.standing.cutover
    }

    /// The configuration and the held snapshots that a batch names, if all of it is remembered.
    pub fn load<'i>(
        &self,
        items: impl Iterator<Item = &'i Item>,
    ) -> Option<(Registry, HeldByDevice)> {
        let mut registry = Registry::default();
        let mut held = HeldByDevice::new();
        for (id, provider_type, enabled) in self.recall.connections()?.iter() {
            registry.add_connection(id.clone(), *provider_type, *enabled);
        }
        for known in self.recall.devices(items.filter_map(Item::address)) {
            let known = known?;
            held.insert(known.device.id.clone(), known.held);
            registry.add_device(known.device);
        }
        Some((registry, held))
    }

    /// Records a batch that was decided by what is remembered, durably, if all of it still is so: nobody is
    /// changing the workspace, it stands as it did, and no other batch has overtaken this one. Answers whether it
    /// has landed. Else nothing has; where another batch was quicker, the devices are remembered no more.
    ///
    /// # Errors
    /// When the database did not confirm; what was written may then have landed or not.
    pub async fn record(
        mut self,
        recording: Recording<'_>,
        now: DateTime<Utc>,
    ) -> Result<bool, StorageError> {
        let Columns { snapshots, events } = recording.columns(now);
        let mut kept = self.connections.take().await?;
        // To the last message: what comes after the row is the commit.
        let outcomes = sqlx::query_scalar!(
            r#"/* acceptance: record updates as remembered */
            SELECT record_updates_as_remembered($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18) AS "outcome!""#,
            self.workspace_id.as_str(),
            self.standing.registry_version,
            self.standing.cutover_version,
            now,
            recording.trace_id,
            &snapshots.device_ids as &[&str],
            &snapshots.activation_ids,
            &snapshots.versions,
            &snapshots.replaced_versions,
            &snapshots.newest_observations,
            &snapshots.signals,
            &snapshots.dropped,
            &events.ids,
            &events.device_ids as &[&str],
            &events.payload_heads as &[&str],
            &events.updated_signals as &[Option<String>],
            &events.envelope_ids as &[Option<Uuid>],
            &events.trace_ids as &[Option<&str>],
        )
        .fetch_all(&mut *kept.connection)
        .await?;
        self.connections.give_back(kept);
        let outcome = outcomes.first().map_or("", String::as_str);
        let snapshots = recording.into_snapshots();
        match outcome {
            "landed" => {
                for snapshot in snapshots {
                    self.recall.moved(snapshot.device_id, snapshot.held);
                }
                self.recall.keep(&self.workspace_id);
                return Ok(true);
            }
            // Of which device is not told; the long way reads them all.
            "overtaken" => {
                let devices = snapshots.iter().map(|snapshot| &snapshot.device_id);
                self.recall.forget(devices);
            }
            _ => {}
        }
        Ok(false)
    }
}
