//! The errors of the store.

use domain::ids::InvalidId;

/// A failure of the store. A request that the domain's rules refuse is never such a failure.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// The database cannot be reached, is shutting down or did not answer in time. A retry can succeed.
    #[error("the database is not available: check that the server runs and accepts connections")]
    Unavailable(#[source] sqlx::Error),
    /// A row contains a value that the domain does not accept.
    #[error(
        "a stored {what} is not valid: {value}: correct the row, or deploy a version that knows the value"
    )]
    Corrupt {
        /// The name of the column or value.
        what: &'static str,
        /// The debug form of the value, or the reason why the value is not valid.
        value: String,
    },
    /// The database returned a result that a correct program excludes.
    #[error("{0}: this is a defect of the program; report this message to its developers")]
    Defect(String),
    /// Any other error of the database: a defect in a statement or in the schema.
    #[error("the database refused a statement; its message names the cause")]
    Statement(#[source] sqlx::Error),
    /// The schema could not be migrated.
    #[error("the migrations could not be applied; the database's message names the cause")]
    Migration(#[from] sqlx::migrate::MigrateError),
}

impl StorageError {
    /// Returns whether a later retry can succeed.
    pub const fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }

    /// Creates the error for a value that the domain does not accept.
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

/// Returns whether the error means that the database cannot serve now. These SQLSTATE classes and codes do: 08
/// connection, 25006 read-only standby, 40 rolled back by contention, 53 resources, 55P03 lock not available, 57
/// operator intervention.
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

/// Returns the name of the constraint that a statement violated, if it violated one.
pub(crate) fn violated_constraint(error: &sqlx::Error) -> Option<&str> {
    error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::constraint)
}
