//! The only way to load and record a batch of updates, for polls, pushes and envelopes.

use chrono::{DateTime, Utc};
use domain::acceptance::{BatchItem, Decision, RejectionTally};
use domain::ids::{CycleId, DeviceId, LeaseToken, WorkspaceId};

use super::record::record_updates;
use super::{BatchFacts, CacheSession, Delivery};
use crate::{Fence, StorageError, Store, UnitOfWork};

/// The writer of one batch, which loads the facts that the batch is decided by, and records the decision.
///
/// If the device cache has every fact, the writer loads from the cache, and records by one database call that is a
/// transaction of its own. Otherwise, and if there is more to record than accepted updates, the writer uses a unit of
/// work under the shared fence. The caller does the same steps in both cases: load, decide, record, repeat these while
/// [`Recorded`] leaves something out, commit.
#[derive(Debug)]
pub struct AcceptanceWriter<'w> {
    store: &'w Store,
    workspace_id: &'w WorkspaceId,
    cached: CacheSession,
    unit_of_work: Option<UnitOfWork>,
    /// Whether the latest facts came from the cache without a check of their versions under the fence.
    loaded_from_cache: bool,
}

/// The part of a decision that was recorded. The caller loads and decides the rest again with the same writer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// All of the decision was recorded.
    All,
    /// Everything was recorded except these devices, which other batches have moved since they were loaded. The rows of
    /// these devices are locked now, so the next attempt records them.
    AllBut(Vec<DeviceId>),
    /// Nothing was recorded, because the cached facts were not current, or because there is more to record than one
    /// call can. The next attempt uses a unit of work.
    Nothing,
}

impl Recorded {
    /// Returns whether items about this device must be decided again.
    pub fn leaves_out(&self, device_id: Option<&DeviceId>) -> bool {
        match self {
            Self::All => false,
            Self::AllBut(devices) => device_id.is_some_and(|id| devices.contains(id)),
            Self::Nothing => true,
        }
    }
}

impl Store {
    /// Creates a writer for a batch of a workspace, for a caller that writes nothing else in the same transaction.
    pub fn acceptance_writer<'w>(&'w self, workspace_id: &'w WorkspaceId) -> AcceptanceWriter<'w> {
        AcceptanceWriter {
            store: self,
            workspace_id,
            cached: CacheSession::of_cached(&self.cache, workspace_id),
            unit_of_work: None,
            loaded_from_cache: false,
        }
    }

    /// Creates a writer whose unit of work has begun, for a caller that also writes other rows in the transaction.
    ///
    /// # Errors
    /// Returns an error if the database is not available.
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
    /// Returns the workspace of the batch.
    pub fn workspace_id(&self) -> &'w WorkspaceId {
        self.workspace_id
    }

    /// Loads the facts that the items are decided by: the workspace's flags, its connections, and the named devices
    /// with their snapshots. Returns `None` if there is no such workspace.
    ///
    /// # Errors
    /// Returns an error if the store fails.
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

    /// Records a decision that was made on the latest facts of this writer. The decision is durable after
    /// [`Self::commit`].
    ///
    /// # Errors
    /// Returns an error if the store fails; a decision on cached facts may then be recorded or not.
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
                let recorded = record_updates(tx, id, None, decision, delivery).await?;
                // NULL is the answer to wrong versions, and this call names no versions.
                recorded.ok_or_else(|| {
                    StorageError::Defect(format!(
                        "record_updates returned NULL for workspace {id} under the fence"
                    ))
                })?
            };
            unit_of_work.cache.note_moves(&decision.moves, &superseded);
            return Ok(if superseded.is_empty() {
                Recorded::All
            } else {
                Recorded::AllBut(superseded)
            });
        }
        // A batch with rejections needs a unit of work, because rejections and updates share one transaction.
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

    /// Returns the unit of work of this batch. Begins one under the shared fence if none has begun.
    ///
    /// # Errors
    /// Returns an error if the database is not available.
    pub async fn unit_of_work(&mut self) -> Result<&mut UnitOfWork, StorageError> {
        let begun = match self.unit_of_work.take() {
            Some(begun) => begun,
            None => self.store.begin(self.workspace_id, Fence::Shared).await?,
        };
        Ok(self.unit_of_work.insert(begun))
    }

    /// Returns whether a cycle's lease is held, and prevents a new claim of the cycle until the commit.
    ///
    /// # Errors
    /// Returns an error if the store fails.
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

    /// Stores rejections like [`UnitOfWork::keep_rejections`]; an empty tally begins no unit of work.
    ///
    /// # Errors
    /// Returns an error if the store fails.
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

    /// Commits the unit of work, if one has begun. Dropping a writer without a commit rolls its unit of work back.
    ///
    /// # Errors
    /// Returns an error if the database did not confirm the commit; the writes may then be committed or not.
    pub async fn commit(self) -> Result<(), StorageError> {
        match self.unit_of_work {
            Some(unit_of_work) => UnitOfWork::commit(unit_of_work).await,
            None => Ok(()),
        }
    }
}
