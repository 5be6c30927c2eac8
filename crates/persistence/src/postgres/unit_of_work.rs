//! The transaction as a value. It begins with its fence, `commit` consumes it, and dropping it rolls back.

use domain::ids::WorkspaceId;
use sqlx::{Postgres, Transaction};

use super::driver::transaction;
use super::error::StorageError;
use super::store::Store;
use crate::acceptance::CacheSession;

/// The kind of lock that a unit of work takes on its workspace's configuration: flags, devices and connections.
///
/// Decisions take the shared fence, so they run side by side. A change takes the exclusive fence, so it begins only
/// when no decision under the old configuration can be recorded any more. The fence is an advisory lock, whose queue is
/// fair: a change waits for the batches before it and not for the batches after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fence {
    /// The unit of work decides under the current configuration.
    Shared,
    /// The unit of work changes the configuration.
    Exclusive,
}

/// A transaction that writes to one workspace.
#[derive(Debug)]
pub struct UnitOfWork {
    pub(crate) tx: Transaction<'static, Postgres>,
    pub(crate) workspace_id: WorkspaceId,
    pub(crate) cache: CacheSession,
}

impl Store {
    /// Begins a unit of work. The fence is taken before anything is read, so that it protects everything that is read.
    ///
    /// # Errors
    /// Returns an error if the database is not available.
    pub async fn begin(
        &self,
        workspace_id: &WorkspaceId,
        fence: Fence,
    ) -> Result<UnitOfWork, StorageError> {
        self.kept.make_room();
        let mut tx = transaction::begin(&self.pool, None).await?;
        // The lock is taken where the rows of the workspace are: a database of several nodes runs the statement on the
        // node that has them. The condition is always true; without it PostgreSQL would leave the subquery out.
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
    /// Returns the workspace that this unit of work reads and writes.
    pub fn workspace_id(&self) -> &WorkspaceId {
        &self.workspace_id
    }

    /// Commits the transaction. Dropping a unit of work without a commit rolls back.
    ///
    /// # Errors
    /// Returns an error if the database did not confirm the commit; the writes may then be committed or not.
    pub async fn commit(mut self) -> Result<(), StorageError> {
        transaction::commit(self.tx).await?;
        self.cache.publish();
        Ok(())
    }
}
