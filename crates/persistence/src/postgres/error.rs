//! What can go wrong with the store.

use domain::ids::InvalidId;

/// A failure of the store. A refusal by the rules is never one.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// The database cannot be reached, is shutting down or did not answer in time: try again.
    #[error("the database is not available")]
    Unavailable(#[source] sqlx::Error),
    /// A row says something that the rules do not know.
    #[error("a stored {what} is not valid: {value:?}")]
    Corrupt {
        /// Which column or value.
        what: &'static str,
        /// What it says.
        value: String,
    },
    /// Anything else: a defect here or in the schema.
    #[error("the database refused a statement")]
    Statement(#[source] sqlx::Error),
    /// The schema could not be brought up to date.
    #[error("the migrations could not be applied")]
    Migration(#[from] sqlx::migrate::MigrateError),
}

impl StorageError {
    /// Whether trying again later can help.
    pub const fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }

    pub(crate) fn corrupt(what: &'static str, value: impl std::fmt::Debug) -> Self {
        Self::Corrupt {
            what,
            value: format!("{value:?}"),
        }
    }
}

impl From<sqlx::Error> for StorageError {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::ColumnDecode { index, source } if source.is::<InvalidId>() => {
                Self::corrupt("id", index)
            }
            error if is_unavailable(&error) => Self::Unavailable(error),
            error => Self::Statement(error),
        }
    }
}

/// SQLSTATE classes of a server that cannot serve now: 08 connection, 25006 read-only standby, 40
/// rolled back by contention, 53 resources, 55P03 lock not available, 57 operator intervention.
fn is_unavailable(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => true,
        sqlx::Error::Database(error) => error.code().is_some_and(|code| {
            ["08", "40", "53", "57"]
                .iter()
                .any(|class| code.starts_with(class))
                || code == "25006"
                || code == "55P03"
        }),
        _ => false,
    }
}

/// The constraint that a statement ran into, if it did.
pub(crate) fn violated_constraint(error: &sqlx::Error) -> Option<&str> {
    error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::constraint)
}
