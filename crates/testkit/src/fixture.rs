//! A database with the use cases on it, and a clock that stands still.

use std::sync::Arc;

use application::{Author, Core, Rules};
use chrono::{DateTime, Utc};
use clock::Clock;
use domain::ids::IdSource;
use persistence::Store;
use providers::ProviderRegistry;

use crate::TestDatabase;

/// The author of the changes that tests make.
pub const AUTHOR: Author<'static> = Author {
    id: "anna",
    trace_id: None,
};

/// An instance of the service on a database of its own.
#[derive(Debug)]
pub struct Fixture {
    /// The instance that use cases run on; its clock is [`Fixture::clock`].
    pub core: Core,
    /// The clock, which stands at [`start`](crate::start) until a test advances it; in real time the system's clock.
    pub clock: Clock,
    /// The database.
    pub database: TestDatabase,
}

impl Fixture {
    /// Creates an instance on an empty, migrated database.
    ///
    /// # Panics
    /// As [`TestDatabase::create`].
    pub async fn create() -> Self {
        let database = TestDatabase::create().await;
        let clock = Clock::manual(crate::start());
        let core = core(database.store().clone(), clock.clone());
        Self {
            core,
            clock,
            database,
        }
    }

    /// Creates an instance with the system's clock, for stories in which programs run.
    ///
    /// # Panics
    /// As [`TestDatabase::create`].
    pub async fn in_real_time() -> Self {
        let database = TestDatabase::create().await;
        let clock = Clock::system();
        let core = core(database.store().clone(), clock.clone());
        let partitions = core.store.ensure_partitions(clock.now()).await;
        partitions.expect("partitions around the present");
        Self {
            core,
            clock,
            database,
        }
    }

    /// The store of the instance.
    pub fn store(&self) -> &Store {
        &self.core.store
    }

    /// Creates another instance on the same database with a clock of its own, which stands at `now`: in the past for
    /// what happened before the story, or elsewhere for machines whose clocks differ.
    pub fn core_at(&self, now: DateTime<Utc>) -> Core {
        core(self.core.store.clone(), Clock::manual(now))
    }

    /// Creates another instance on the same database, with connections of its own and the same clock.
    pub fn another_instance(&self) -> Core {
        core(self.database.another_store(), self.clock.clone())
    }
}

/// Returns an instance without a database: nobody listens at its address.
///
/// # Panics
/// Never: the address is a URL.
pub fn core_without_database(clock: Clock) -> Core {
    let nowhere = Store::open("postgres://nobody@127.0.0.1:1/nothing", 2);
    core(nowhere.expect("a URL"), clock)
}

fn core(store: Store, clock: Clock) -> Core {
    Core {
        store,
        clock,
        ids: Arc::new(IdSource::new()),
        rules: Rules::default(),
        provider_registry: ProviderRegistry::default(),
    }
}
