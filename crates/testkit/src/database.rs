//! A database of its own for every test.

use persistence::Store;

use crate::server::{self, Content, Lent};

/// Connections that a test's store may open: more than the writers of any test, so that none of them
/// waits for another's.
const CONNECTIONS: u32 = 24;

/// A database that nothing else uses for as long as the test has it.
#[derive(Debug)]
pub struct TestDatabase {
    lent: Lent,
    store: Store,
}

impl TestDatabase {
    /// A database with the schema, and with partitions around [`start`](crate::start). On another clock
    /// a test makes its own: `store().ensure_partitions(now)`.
    ///
    /// # Panics
    /// Without a server: where neither PostgreSQL is installed nor `DATABASE_URL` set.
    pub async fn create() -> Self {
        let database = Self::of(Content::Migrated).await;
        database
            .store
            .ensure_partitions(crate::start())
            .await
            .expect("partitions around the start");
        database
    }

    /// A database with nothing in it, for a test of the migrations.
    ///
    /// # Panics
    /// As [`TestDatabase::create`].
    pub async fn create_empty() -> Self {
        Self::of(Content::Empty).await
    }

    /// A database whose schema is as of a version: with the migrations up to and including that one. Rows that a test
    /// inserts then were there before the migrations that `store().migrate()` applies.
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

    async fn of(content: Content) -> Self {
        let lent = match server::lend(content).await {
            Ok(lent) => lent,
            Err(error) => panic!("no test database: {error:#}"),
        };
        let store = Store::open(&lent.url, CONNECTIONS).expect("a URL made of a URL");
        Self { lent, store }
    }

    /// The store on it; clones share its connections.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// A store of its own on the same database, as a second instance of the service has.
    ///
    /// # Panics
    /// Never: the URL is ours.
    pub fn another_store(&self) -> Store {
        Store::open(&self.lent.url, CONNECTIONS).expect("a URL made of a URL")
    }

    /// Where to connect to it.
    pub fn url(&self) -> &str {
        &self.lent.url
    }

    /// How many of its sessions wait for a lock now.
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
