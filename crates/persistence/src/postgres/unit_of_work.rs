//! The transaction as a value: begun with its fence, consumed by its commit, forgotten means undone.

use domain::ids::WorkspaceId;
use sqlx::{Postgres, Transaction};

use super::driver::transaction;
use super::error::StorageError;
use super::store::Store;
use crate::acceptance::CacheSession;

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
    pub(crate) cache: CacheSession,
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
        // The lock is taken where the rows of the workspace are: a database of several nodes runs the statement on the node
        // that has them. The condition is always true; without it PostgreSQL would leave the subquery out.
        let id = workspace_id.as_str();
        match fence {
            Fence::Shared => {
                sqlx::query!(
                    r#"/* fence: shared */
                    SELECT pg_advisory_xact_lock_shared(hashtextextended($1, 0))
                    FROM (SELECT count(*) FROM workspaces WHERE workspace_id = $1) AS there WHERE there.count >= 0"#,
                    id
                )
                .execute(&mut *tx)
                .await?;
            }
            Fence::Exclusive => {
                sqlx::query!(
                    r#"/* fence: exclusive */
                    SELECT pg_advisory_xact_lock(hashtextextended($1, 0))
                    FROM (SELECT count(*) FROM workspaces WHERE workspace_id = $1) AS there WHERE there.count >= 0"#,
                    id
                )
                .execute(&mut *tx)
                .await?;
            }
        }
        Ok(UnitOfWork {
            tx,
            workspace_id: workspace_id.clone(),
            cache: CacheSession::new(&self.cache, workspace_id),
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
    pub async fn commit(mut self) -> Result<(), StorageError> {
        transaction::commit(self.tx).await?;
        self.cache.publish();
        Ok(())
    }
}
