//! Idle database connections that are reused without going through the pool.
//!
//! The sqlx pool pings every connection that is returned to it. For a request of one statement this ping doubles the
//! round trips. So a connection that has received its complete answer is kept here for the next request instead. The
//! connection that was used last is reused first, because the memory of its server process is warm. A connection whose
//! statement failed or was cancelled goes back to the pool, which checks the connection.
//!
//! Writing pushes and reading health use these connections.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use clock::Stopwatch;
use sqlx::pool::PoolConnection;
use sqlx::{PgPool, Postgres};

/// The time for which a connection stays outside the pool. After this time the connection returns to the pool, which
/// applies its own rules of age.
const KEPT_FOR: Duration = Duration::from_mins(1);

/// The idle connections that are kept outside their pool.
#[derive(Debug)]
pub(crate) struct KeptConnections {
    pool: PgPool,
    idle: Mutex<Vec<KeptConnection>>,
}

/// A connection that is in use or kept outside the pool. Dropping it returns the connection to the pool.
#[derive(Debug)]
pub(crate) struct KeptConnection {
    pub(crate) connection: PoolConnection<Postgres>,
    age: Stopwatch,
}

impl KeptConnections {
    /// Creates an empty set for the connections of a pool.
    pub(crate) fn of(pool: PgPool) -> Self {
        Self {
            pool,
            idle: Mutex::default(),
        }
    }

    /// Takes a kept connection, or one from the pool if none is kept.
    ///
    /// # Errors
    /// Returns an error if the pool has no connection in time.
    pub(crate) async fn take(&self) -> Result<KeptConnection, sqlx::Error> {
        // Connections that are too old return to the pool first, so that the pool can hand them out.
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

    /// Keeps a connection for the next request, unless a caller may be waiting for a connection of the pool. The
    /// connection must have received its complete answer and must not be in a transaction.
    pub(crate) fn give_back(&self, kept: KeptConnection) {
        let pool_has_more = self.pool_has_more();
        let mut idle = self.idle();
        idle.retain(KeptConnection::is_young);
        let is_wanted = pool_has_more && idle.len() < self.limit() && kept.is_young();
        // This is checked under the lock: otherwise a connection could be kept after the pool was closed.
        if is_wanted && !self.pool.is_closed() {
            idle.push(kept);
        }
    }

    /// Returns the number of kept connections.
    pub(crate) fn len(&self) -> usize {
        self.idle().len()
    }

    /// Returns all kept connections to the pool if the pool has no other connection for the next caller.
    pub(crate) fn make_room(&self) {
        if !self.pool_has_more() {
            self.return_all();
        }
    }

    /// Returns all kept connections to the pool.
    pub(crate) fn return_all(&self) {
        self.idle().clear();
    }

    /// Returns whether the pool has an idle connection or may open another one.
    fn pool_has_more(&self) -> bool {
        let at_most = self.pool.options().get_max_connections();
        self.pool.num_idle() > 0 || self.pool.size() < at_most
    }

    /// Returns the greatest number of kept connections: a quarter of the pool, because few kinds of statements use
    /// them.
    fn limit(&self) -> usize {
        let all = self.pool.options().get_max_connections() / 4;
        usize::try_from(all).unwrap_or(usize::MAX)
    }

    /// Locks the idle connections.
    fn idle(&self) -> MutexGuard<'_, Vec<KeptConnection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl KeptConnection {
    /// Returns whether the connection may stay outside the pool.
    fn is_young(&self) -> bool {
        self.age.elapsed() < KEPT_FOR
    }
}

impl Drop for KeptConnections {
    /// Closes the kept connections, because no runtime may be left that could return them to the pool.
    fn drop(&mut self) {
        for kept in self.idle().drain(..) {
            drop(kept.connection.detach());
        }
    }
}
