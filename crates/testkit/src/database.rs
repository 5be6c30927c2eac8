//! Test databases: every test has its own.

use persistence::Store;

use crate::server::{self, Content, LentDatabase};

/// Connections that a test's store may open: more than any test has writers, so that no writer waits for a connection.
const CONNECTIONS: u32 = 24;

/// A database that only one test uses, until the value is dropped.
#[derive(Debug)]
pub struct TestDatabase {
    lent: LentDatabase,
    store: Store,
}

impl TestDatabase {
    /// Creates a database with the schema, and with partitions around [`start`](crate::start). A test whose clock stands
    /// elsewhere makes its own: `store().ensure_partitions(now)`.
    ///
    /// # Panics
    /// Without a server: if neither PostgreSQL is installed nor `DATABASE_URL` is set.
    pub async fn create() -> Self {
        let database = Self::create_with(Content::Migrated).await;
        database
            .store
            .ensure_partitions(crate::start())
            .await
            .expect("partitions around the start");
        database
    }

    /// Creates a database without any table, for a test of the migrations.
    ///
    /// # Panics
    /// As [`TestDatabase::create`].
    pub async fn create_empty() -> Self {
        Self::create_with(Content::Empty).await
    }

    /// Creates a database with the migrations up to and including a version. Rows that a test inserts then were there
    /// before the migrations that `store().migrate()` applies.
    ///
    /// # Panics
    /// As [`TestDatabase::create`].
    pub async fn create_as_of(version: i64) -> Self {
        let database = Self::create_empty().await;
        sqlx::migrate!("../../migrations")
            .run_to(version, database.store.pool())
            .await
            .expect("the migrations up to the version");
        database
    }

    async fn create_with(content: Content) -> Self {
        let lent = match server::lend(content).await {
            Ok(lent) => lent,
            Err(error) => panic!("no test database: {error:#}"),
        };
        let store = Store::open(&lent.url, CONNECTIONS).expect("a URL made of a URL");
        Self { lent, store }
    }

    /// The store on this database; its clones share its connections.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Opens another store on the same database, as a second instance of the service does.
    ///
    /// # Panics
    /// Never: the URL is ours.
    pub fn another_store(&self) -> Store {
        Store::open(&self.lent.url, CONNECTIONS).expect("a URL made of a URL")
    }

    /// The URL of this database.
    pub fn url(&self) -> &str {
        &self.lent.url
    }

    /// Counts the sessions of this database that wait for a lock now.
    ///
    /// # Panics
    /// When the server does not answer.
    pub async fn sessions_waiting(&self) -> i64 {
        sqlx::query_scalar("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")
            .fetch_one(self.store.pool())
            .await
            .expect("the list of sessions")
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        server::take_back(std::mem::take(&mut self.lent.name));
    }
}
