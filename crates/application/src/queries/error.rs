//! The error of queries.

use chrono::{DateTime, Utc};
use persistence::StorageError;

/// The reason for which a query returns nothing.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// There is no such thing. The text names the kind of thing.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// The legacy service owns the reads of the workspace. Its values come from there or not at all: never,
    /// silently, from core.
    #[error("the legacy service owns this workspace's reads and is not connected")]
    ReadsOwnedByLegacy,
    /// The workspace's history does not reach back to the instant.
    #[error("the history of this workspace does not reach back that far")]
    HistoryNotRetained {
        /// The beginning of the history that is kept; `None` while it has not begun.
        since: Option<DateTime<Utc>>,
    },
    /// The store failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}
