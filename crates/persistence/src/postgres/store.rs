//! The pool, and the schema's version.

use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection as _, PgPool};
use tokio::sync::Semaphore;

use std::sync::Arc;

use super::driver::KeptConnections;
use super::error::StorageError;
use crate::acceptance;
use crate::acceptance::DeviceCache;

/// How the connections to the database are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolUse {
    /// Open and waiting.
    pub idle: u32,
    /// Borrowed.
    pub used: u32,
    /// That may be open at once.
    pub max: u32,
}

/// The database, for reading, and where units of work begin.
#[derive(Clone, Debug)]
pub struct Store {
    pub(crate) pool: PgPool,
    pub(crate) cache: Arc<DeviceCache>,
    pub(crate) kept: Arc<KeptConnections>,
    /// Reads over all workspaces' snapshots that may be under way at once: each keeps cores and connections
    /// busy, and a person may ask for fifty a second.
    pub(crate) long_reads: Arc<Semaphore>,
}

const LONG_READS: usize = 2;

impl Store {
    /// Opens a pool of at most `max_connections`, without connecting yet.
    ///
    /// # Errors
    /// When the URL is none.
    pub fn open(database_url: &str, max_connections: u32) -> Result<Self, StorageError> {
        let options: PgConnectOptions = database_url.parse()?;
        // A statement that runs longer than any of ours holds a connection hostage; one that waits
        // for a lock this long waits for something that is stuck. What an instance holds that is stopped
        // in the middle of a transaction is free before those who wait for it give up. Plans are made once
        // a connection, for any workspace: the plan that tests look at is the plan that runs.
        let options = options.application_name("bf-manage-core").options([
            ("statement_timeout", "30s"),
            ("lock_timeout", "10s"),
            ("idle_in_transaction_session_timeout", "8s"),
            ("timezone", "UTC"),
            ("plan_cache_mode", "force_generic_plan"),
            // Compiling a plan takes longer than the slowest of ours saves by it.
            ("jit", "off"),
        ]);
        let pool = PgPoolOptions::new()
            .max_connections(max_connections)
            .acquire_timeout(Duration::from_secs(3))
            .test_before_acquire(false)
            .connect_lazy_with(options);
        Ok(Self {
            kept: Arc::new(KeptConnections::of(pool.clone())),
            pool,
            cache: Arc::new(DeviceCache::new(acceptance::DEVICES_AT_MOST)),
            long_reads: Arc::new(Semaphore::new(LONG_READS)),
        })
    }

    /// Caches at most so many devices between batches; devices beyond are read for every batch.
    #[must_use]
    pub fn caching_at_most(self, devices: u64) -> Self {
        Self {
            cache: Arc::new(DeviceCache::new(devices)),
            ..self
        }
    }

    /// Brings the schema up to date. Safe to call from several instances at once: one does, the others wait for it
    /// to have done.
    ///
    /// # Errors
    /// [`StorageError::Migration`]; [`StorageError::Unavailable`] for an unreachable database.
    pub async fn migrate(&self) -> Result<(), StorageError> {
        // Closed in the end, and its lock and settings go with it.
        let mut connection = self.pool.acquire().await?.detach();
        // To go through the rows that are there may take longer than a statement of a request may run, or wait.
        sqlx::query!(
            r#"/* migrations: patience */
            SELECT set_config('statement_timeout', '0', false) AS running, set_config('lock_timeout', '0', false) AS waiting"#
        )
        .fetch_one(&mut connection)
        .await?;
        // In two numbers: those of fences are one.
        sqlx::query!("/* migrations: one instance at a time */ SELECT pg_advisory_lock(2026, 0)::text AS locked")
            .fetch_one(&mut connection)
            .await?;
        sqlx::query!(
            r#"/* migrations: no patience with who holds a table, while all others wait behind */
            SELECT set_config('lock_timeout', '10s', false) AS waiting"#
        )
        .fetch_one(&mut connection)
        .await?;
        let mut migrations = sqlx::migrate!("../../migrations");
        // A newer version has applied migrations that this one does not know; it left what this one uses.
        migrations.set_ignore_missing(true);
        migrations.run(&mut connection).await?;
        Ok(connection.close().await?)
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// When it does not.
    pub async fn ping(&self) -> Result<(), StorageError> {
        sqlx::query!("/* ping */ SELECT 1 AS one")
            .fetch_one(&self.pool)
            .await?;
        Ok(())
    }

    /// How the pool stands.
    pub fn pool_use(&self) -> PoolUse {
        let idle = self.pool.num_idle() + self.kept.len();
        let idle = u32::try_from(idle).unwrap_or(u32::MAX);
        PoolUse {
            idle,
            used: self.pool.size().saturating_sub(idle),
            max: self.pool.options().get_max_connections(),
        }
    }

    /// Closes the pool, waiting for borrowed connections.
    pub async fn close(&self) {
        let closed = self.pool.close();
        self.kept.let_go();
        closed.await;
    }

    /// The pool, for a test that looks at rows with its own eyes.
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }
}
