//! The one way in which a batch of updates is loaded and recorded, whoever brought it.

use chrono::{DateTime, Utc};
use domain::acceptance::{BatchItem, Decision, RejectionTally};
use domain::ids::{CycleId, DeviceId, LeaseToken, WorkspaceId};

use super::record::record_updates;
use super::{BatchFacts, CacheSession, Delivery};
use crate::{Fence, StorageError, Store, UnitOfWork};

/// Loads what a batch is judged by, and records what was decided, in one transaction.
///
/// Where the device cache has all that a batch names, the writer loads from it, and records by one call of the
/// database's that is a transaction of its own. Else, and where there is more to record than accepted updates, it
/// works in a unit of work under the shared fence. The caller does the same steps either way: load, decide, record;
/// again while [`Recorded`] says so; commit.
#[derive(Debug)]
pub struct AcceptanceWriter<'w> {
    store: &'w Store,
    workspace_id: &'w WorkspaceId,
    cached: CacheSession,
    unit_of_work: Option<UnitOfWork>,
    /// Whether the facts that were loaded last are those of the cache, which nothing under the fence has confirmed.
    loaded_from_cache: bool,
}

/// How much of a decision was recorded. What was not is to be loaded and decided again with the same writer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// All of the decision was recorded.
    All,
    /// Other batches have moved these devices since they were loaded; the rest was recorded. The devices' rows are
    /// locked now, so that the next attempt records them.
    AllBut(Vec<DeviceId>),
    /// Nothing was recorded: the decision was made on a cached state that counts no longer, or there is more to
    /// record than one call can. The next attempt works in a unit of work.
    Nothing,
}

impl Recorded {
    /// Returns whether items about this device are to be decided again.
    pub fn leaves_out(&self, device_id: Option<&DeviceId>) -> bool {
        match self {
            Self::All => false,
            Self::AllBut(devices) => device_id.is_some_and(|id| devices.contains(id)),
            Self::Nothing => true,
        }
    }
}

impl Store {
    /// A writer for one batch of one workspace, for whoever has nothing to write beside it.
    pub fn acceptance_writer<'w>(&'w self, workspace_id: &'w WorkspaceId) -> AcceptanceWriter<'w> {
        AcceptanceWriter {
            store: self,
            workspace_id,
            cached: CacheSession::of_cached(&self.cache, workspace_id),
            unit_of_work: None,
            loaded_from_cache: false,
        }
    }

    /// A writer whose unit of work has begun, for whoever has more to write than a batch.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn begin_acceptance<'w>(
        &'w self,
        workspace_id: &'w WorkspaceId,
    ) -> Result<AcceptanceWriter<'w>, StorageError> {
        let mut writer = self.acceptance_writer(workspace_id);
        writer.unit_of_work().await?;
        Ok(writer)
    }
}

impl<'w> AcceptanceWriter<'w> {
    /// The workspace that the batch is of.
    pub fn workspace_id(&self) -> &'w WorkspaceId {
        self.workspace_id
    }

    /// Loads what the items are judged by: the workspace's flags, its connections, and the devices that the items
    /// name with what is held of each. Returns `None` if there is no such workspace.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn load(
        &mut self,
        items: &[BatchItem<'_>],
    ) -> Result<Option<BatchFacts>, StorageError> {
        if self.unit_of_work.is_none()
            && let Some(facts) = self.cached.batch_facts(items)
        {
            self.loaded_from_cache = true;
            return Ok(Some(facts));
        }
        self.loaded_from_cache = false;
        self.unit_of_work().await?.load_batch_facts(items).await
    }

    /// Records a decision that was made on what this writer has loaded last. It is durable after [`Self::commit`].
    ///
    /// # Errors
    /// When the store fails; a decision that was made on the cached state may then have landed or not.
    pub async fn record(
        &mut self,
        decision: &Decision<'_>,
        delivery: &Delivery,
    ) -> Result<Recorded, StorageError> {
        let id = self.workspace_id;
        if !self.loaded_from_cache {
            let unit_of_work = self.unit_of_work().await?;
            let superseded = if decision.moves.is_empty() {
                Vec::new()
            } else {
                let tx = &mut unit_of_work.tx;
                let answer = record_updates(tx, id, None, decision, delivery).await?;
                answer.ok_or_else(|| StorageError::corrupt("answer of record_updates", "NULL"))?
            };
            unit_of_work.cache.note_moves(&decision.moves, &superseded);
            return Ok(if superseded.is_empty() {
                Recorded::All
            } else {
                Recorded::AllBut(superseded)
            });
        }
        // What is rejected is kept in the transaction that has the accepted updates.
        if self.unit_of_work.is_none() && !decision.rejects_any() {
            let mut kept = self.store.kept.take().await?;
            let (connection, versions) = (&mut kept.connection, self.cached.versions());
            let superseded = record_updates(connection, id, versions, decision, delivery).await?;
            self.store.kept.give_back(kept);
            match superseded {
                Some(devices) if devices.is_empty() => {
                    self.cached.note_moves(&decision.moves, &[]);
                    self.cached.publish();
                    return Ok(Recorded::All);
                }
                Some(devices) => self.cached.evict(&devices),
                None => {}
            }
        }
        self.unit_of_work().await?;
        Ok(Recorded::Nothing)
    }

    /// The unit of work that has everything of this batch; begun now, under the shared fence, unless it was before.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn unit_of_work(&mut self) -> Result<&mut UnitOfWork, StorageError> {
        let begun = match self.unit_of_work.take() {
            Some(begun) => begun,
            None => self.store.begin(self.workspace_id, Fence::Shared).await?,
        };
        Ok(self.unit_of_work.insert(begun))
    }

    /// Returns whether a cycle's lease is held, and keeps it from being taken over until the commit.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn holds_lease(
        &mut self,
        cycle_id: CycleId,
        lease: LeaseToken,
    ) -> Result<bool, StorageError> {
        self.unit_of_work()
            .await?
            .holds_lease(cycle_id, lease)
            .await
    }

    /// Keeps what was rejected, as [`UnitOfWork::keep_rejections`] does; writes nothing for an empty tally.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn keep_rejections(
        &mut self,
        tally: &RejectionTally,
        cycle_id: Option<CycleId>,
        now: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        if tally.counts.is_empty() {
            return Ok(());
        }
        let unit_of_work = self.unit_of_work().await?;
        unit_of_work.keep_rejections(tally, cycle_id, now).await
    }

    /// Makes everything durable. Dropping a writer undoes what its unit of work has written.
    ///
    /// # Errors
    /// When the database did not confirm; what was written may then have landed or not.
    pub async fn commit(self) -> Result<(), StorageError> {
        match self.unit_of_work {
            Some(unit_of_work) => UnitOfWork::commit(unit_of_work).await,
            None => Ok(()),
        }
    }
}
