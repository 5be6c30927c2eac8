//! Deciding a batch by what an instance remembers, before the database is asked: then recording it is one
//! message to the database and one back, its commit included.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use domain::acceptance::{Item, Registry};
use domain::fleet::Cutover;
use domain::ids::WorkspaceId;

use super::load::{HeldByDevice, add_connections, add_device};
use super::memory::{Recall, Standing};
use super::recording::Recording;
use crate::postgres::driver::KeptConnections;
use crate::postgres::{StorageError, Store};

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
        add_connections(&self.recall.connections()?, &mut registry);
        for known in self.recall.devices(items.filter_map(Item::address)) {
            add_device(known?, &mut registry, &mut held);
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
        let mut kept = self.connections.take().await?;
        let overtaken = recording
            .write(
                &mut kept.connection,
                &self.workspace_id,
                Some(self.standing),
                now,
            )
            .await?;
        self.connections.give_back(kept);
        let Some(overtaken) = overtaken else {
            return Ok(false);
        };
        let landed = overtaken.is_empty();
        let snapshots = recording.into_snapshots();
        if landed {
            for snapshot in snapshots {
                self.recall.moved(snapshot.device_id, snapshot.held);
            }
            self.recall.keep(&self.workspace_id);
        } else {
            let devices = snapshots.iter().map(|snapshot| &snapshot.device_id);
            self.recall.forget(devices);
        }
        Ok(landed)
    }
}
