//! Connections that go from one request's statements to the next's.
//!
//! The pool asks every connection that is given back whether it still answers, a round trip beside the
//! statement's own: as much again where that is one call, and in the way of an answer that is just being
//! written. What has just answered, to the last message, is kept out of the pool for the next instead; the one
//! that was used last comes first, as its server process is the one whose memory is warm. Whatever fails or is
//! given up half-way goes back to the pool, which looks after it.
//!
//! Pushes are written through them, and health is read.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use clock::Stopwatch;
use sqlx::pool::PoolConnection;
use sqlx::{PgPool, Postgres};

/// How long a connection is used outside of the pool, whose rules of age apply when it is back.
const KEPT_FOR: Duration = Duration::from_mins(1);

/// Connections of a pool that nobody uses at the moment and that are not in it.
#[derive(Debug)]
pub(crate) struct KeptConnections {
    pool: PgPool,
    idle: Mutex<Vec<KeptConnection>>,
}

/// Dropped, it goes back to the pool.
#[derive(Debug)]
pub(crate) struct KeptConnection {
    pub(crate) connection: PoolConnection<Postgres>,
    age: Stopwatch,
}

impl KeptConnections {
    pub(crate) fn of(pool: PgPool) -> Self {
        Self {
            pool,
            idle: Mutex::default(),
        }
    }

    /// One that is kept, else one of the pool's.
    ///
    /// # Errors
    /// When the pool has none in time.
    pub(crate) async fn take(&self) -> Result<KeptConnection, sqlx::Error> {
        // Into the pool with those that are too old, before one is taken from there.
        let kept = {
            let mut idle = self.idle();
            idle.retain(KeptConnection::is_young);
            idle.pop()
        };
        match kept {
            Some(kept) => Ok(kept),
            None => Ok(KeptConnection {
                connection: self.pool.acquire().await?,
                age: Stopwatch::start(),
            }),
        }
    }

    /// Keeps one that has answered in full and is in no transaction, unless somebody may be waiting for the
    /// pool to have one.
    pub(crate) fn give_back(&self, kept: KeptConnection) {
        let pool_has_more = self.pool_has_more();
        let mut idle = self.idle();
        idle.retain(KeptConnection::is_young);
        let is_wanted = pool_has_more && idle.len() < self.at_most() && kept.is_young();
        // Looked at under the lock, lest one is kept after all were let go.
        if is_wanted && !self.pool.is_closed() {
            idle.push(kept);
        }
    }

    /// How many are kept.
    pub(crate) fn len(&self) -> usize {
        self.idle().len()
    }

    /// Gives all back to the pool, where it has no other for whoever comes.
    pub(crate) fn make_room(&self) {
        if !self.pool_has_more() {
            self.let_go();
        }
    }

    /// Gives all back to the pool.
    pub(crate) fn let_go(&self) {
        self.idle().clear();
    }

    fn pool_has_more(&self) -> bool {
        let at_most = self.pool.options().get_max_connections();
        self.pool.num_idle() > 0 || self.pool.size() < at_most
    }

    /// A quarter of the pool: what is kept is there for few kinds of statements only.
    fn at_most(&self) -> usize {
        let all = self.pool.options().get_max_connections() / 4;
        usize::try_from(all).unwrap_or(usize::MAX)
    }

    fn idle(&self) -> MutexGuard<'_, Vec<KeptConnection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl KeptConnection {
    fn is_young(&self) -> bool {
        self.age.elapsed() < KEPT_FOR
    }
}

impl Drop for KeptConnections {
    /// Where no runtime is left that could give them back, they are closed.
    fn drop(&mut self) {
        for kept in self.idle().drain(..) {
            drop(kept.connection.detach());
        }
    }
}
