//! The transaction as a value: begun with its fence, consumed by its commit, forgotten means undone.

use std::sync::Arc;

use domain::ids::WorkspaceId;
use sqlx::{Postgres, Transaction};

use super::driver::transaction;
use super::error::StorageError;
use super::store::Store;
use crate::acceptance::Recall;

/// How a unit of work stands to changes of its workspace's flags, devices and connections.
///
/// Decisions take the fence shared, and so run side by side; a change takes it alone, and so answers
/// only when nothing decided under the old state can land any more. An advisory lock, because its
/// queue is fair: a change waits for the batches before it and not for those after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fence {
    /// Decides under the configuration as it stands.
    Shared,
    /// Changes it.
    Exclusive,
}

/// One workspace's transaction.
#[derive(Debug)]
pub struct UnitOfWork {
    pub(crate) tx: Transaction<'static, Postgres>,
    pub(crate) workspace_id: WorkspaceId,
    pub(crate) recall: Recall,
}

impl Store {
    /// Begins a unit of work. The fence is taken before anything is read, so that what is read
    /// afterwards is what the fence protects.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn begin(
        &self,
        workspace_id: &WorkspaceId,
        fence: Fence,
    ) -> Result<UnitOfWork, StorageError> {
        self.kept.make_room();
        let mut tx = transaction::begin(&self.pool, None).await?;
        let id = workspace_id.as_str();
        match fence {
            Fence::Shared => {
                sqlx::query!("/* fence shared */ SELECT pg_advisory_xact_lock_shared(hashtextextended($1, 0))", id)
                    .execute(&mut *tx)
                    .await?;
            }
            Fence::Exclusive => {
                sqlx::query!(
                    "/* fence exclusive */ SELECT pg_advisory_xact_lock(hashtextextended($1, 0))",
                    id
                )
                .execute(&mut *tx)
                .await?;
            }
        }
        let recall = Recall::of(Arc::clone(&self.memory));
        Ok(UnitOfWork {
            tx,
            workspace_id: workspace_id.clone(),
            recall,
        })
    }
}

impl UnitOfWork {
    /// The workspace that this unit of work may touch.
    pub fn workspace_id(&self) -> &WorkspaceId {
        &self.workspace_id
    }

    /// Makes everything durable. Dropping a unit of work instead undoes it.
    ///
    /// # Errors
    /// When the database did not confirm; what was written may then have landed or not.
    pub async fn commit(self) -> Result<(), StorageError> {
        transaction::commit(self.tx).await?;
        self.recall.keep(&self.workspace_id);
        Ok(())
    }
}
