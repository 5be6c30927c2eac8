//! The connection pool, and the migration of the schema.

use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection as _, PgPool};
use tokio::sync::Semaphore;

use std::sync::Arc;

use super::driver::KeptConnections;
use super::error::StorageError;
use crate::acceptance;
use crate::acceptance::DeviceCache;

/// The numbers of database connections by their use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolUse {
    /// The number of open connections that nobody uses.
    pub idle: u32,
    /// The number of connections in use.
    pub used: u32,
    /// The greatest number of connections that may be open at once.
    pub max: u32,
}

/// The database. Queries read through the store directly; commands begin a [`UnitOfWork`](super::UnitOfWork).
#[derive(Clone, Debug)]
pub struct Store {
    pub(crate) pool: PgPool,
    pub(crate) cache: Arc<DeviceCache>,
    pub(crate) kept: Arc<KeptConnections>,
    /// The permits of reads that scan the snapshots of all workspaces. The number is limited, because each such read
    /// uses several cores and connections, and one user can start fifty a second.
    pub(crate) long_reads: Arc<Semaphore>,
}

/// The number of scans over all snapshots that may run at the same time.
const LONG_READS: usize = 2;

impl Store {
    /// Creates a store with a pool of at most `max_connections`. No connection is opened yet.
    ///
    /// # Errors
    /// Returns an error if the URL is not valid.
    pub fn open(database_url: &str, max_connections: u32) -> Result<Self, StorageError> {
        let options: PgConnectOptions = database_url.parse()?;
        // No statement of a request should run for 30 s or wait for a lock for 10 s; one that does would keep a
        // connection busy. The timeout of idle transactions is shorter than the lock timeout, so that the locks of an
        // instance that stopped inside a transaction are free before waiting statements fail. Generic plans do not
        // depend on the workspace, so the plan that the tests check is the plan that runs.
        let options = options.application_name("bf-manage-core").options([
            ("statement_timeout", "30s"),
            ("lock_timeout", "10s"),
            ("idle_in_transaction_session_timeout", "8s"),
            ("timezone", "UTC"),
            ("plan_cache_mode", "force_generic_plan"),
            // Compiling a plan takes longer than it saves, even for the slowest statement.
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

    /// Limits the device cache to `devices`. Devices that do not fit are loaded for every batch.
    #[must_use]
    pub fn caching_at_most(self, devices: u64) -> Self {
        Self {
            cache: Arc::new(DeviceCache::new(devices)),
            ..self
        }
    }

    /// Migrates the schema to this version. Several instances may call this at the same time: one migrates, and the
    /// others wait until it has finished.
    ///
    /// # Errors
    /// Returns [`StorageError::Migration`] if a migration fails, and [`StorageError::Unavailable`] if the database
    /// cannot be reached.
    pub async fn migrate(&self) -> Result<(), StorageError> {
        // The connection is closed at the end, which releases its lock and drops its settings.
        let mut connection = self.pool.acquire().await?.detach();
        // A migration of many rows may take longer than the timeouts of requests allow.
        sqlx::query!(
            r#"/* migrations: patience */
            SELECT set_config('statement_timeout', '0', false) AS running, set_config('lock_timeout', '0', false) AS waiting"#
        )
        .fetch_one(&mut connection)
        .await?;
        // A lock key of two numbers never equals a fence's key, which is one number.
        sqlx::query!("/* migrations: one instance at a time */ SELECT pg_advisory_lock(2026, 0)::text AS locked")
            .fetch_one(&mut connection)
            .await?;
        sqlx::query!(
            r#"/* migrations: short lock waits, because later statements queue behind a migration that waits */
            SELECT set_config('lock_timeout', '10s', false) AS waiting"#
        )
        .fetch_one(&mut connection)
        .await?;
        let mut migrations = sqlx::migrate!("../../migrations");
        // A newer version may have applied migrations that this version does not know. Newer migrations keep everything
        // that this version uses (expand, then contract).
        migrations.set_ignore_missing(true);
        migrations.run(&mut connection).await?;
        Ok(connection.close().await?)
    }

    /// Runs an empty query, to check the database.
    ///
    /// # Errors
    /// Returns an error if the database does not answer.
    pub async fn ping(&self) -> Result<(), StorageError> {
        sqlx::query!("/* ping */ SELECT 1 AS one")
            .fetch_one(&self.pool)
            .await?;
        Ok(())
    }

    /// Counts the pool's connections by their use.
    pub fn pool_use(&self) -> PoolUse {
        let idle = self.pool.num_idle() + self.kept.len();
        let idle = u32::try_from(idle).unwrap_or(u32::MAX);
        PoolUse {
            idle,
            used: self.pool.size().saturating_sub(idle),
            max: self.pool.options().get_max_connections(),
        }
    }

    /// Closes the pool after the connections in use have been returned.
    pub async fn close(&self) {
        let closed = self.pool.close();
        self.kept.return_all();
        closed.await;
    }

    /// Returns the pool, for tests that read rows with statements of their own.
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }
}
