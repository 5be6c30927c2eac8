//! The transaction as a value: begun with its fence, consumed by its commit, forgotten means undone.

use std::sync::Arc;

use domain::ids::WorkspaceId;
use sqlx::{AssertSqlSafe, Postgres, Transaction};

use crate::memory::Recall;
use crate::{StorageError, Store};

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
    /// afterwards is what the fence protects; in the message of the `BEGIN`, to save a round trip.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn begin(
        &self,
        workspace_id: &WorkspaceId,
        fence: Fence,
    ) -> Result<UnitOfWork, StorageError> {
        let lock = match fence {
            Fence::Shared => "pg_advisory_xact_lock_shared",
            Fence::Exclusive => "pg_advisory_xact_lock",
        };
        // A message of two statements takes no parameters; an id's rule leaves nothing to escape.
        let begin = format!("BEGIN; SELECT {lock}(hashtextextended('{workspace_id}', 0))");
        let tx = self.pool.begin_with(AssertSqlSafe(begin)).await?;
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
        self.tx.commit().await?;
        self.recall.keep(&self.workspace_id);
        Ok(())
    }
}
