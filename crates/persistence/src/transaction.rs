//! Transactions that whoever begins one may give up at any moment.
//!
//! The driver (sqlx 0.9.0, its issue 4393) counts a transaction only once the answer to its `BEGIN` has come. Given
//! up before that, it would not be undone: its connection would go back to the pool with the transaction open, and
//! what others did through it afterwards, each believing that it was committed, would be lost with it.

use std::panic;

use sqlx::{PgPool, Postgres, Transaction};
use tracing::Instrument;

/// Begins a transaction, by `BEGIN` or a statement that says more. A task waits for the answer: where nobody else
/// does any more, the transaction is known by then, and undone.
///
/// # Errors
/// When the pool has no connection in time, or the database does not answer.
pub(crate) async fn begin(
    pool: &PgPool,
    statement: Option<&'static str>,
) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
    let pool = pool.clone();
    let beginning = async move {
        match statement {
            Some(statement) => pool.begin_with(statement).await,
            None => pool.begin().await,
        }
    };
    match tokio::spawn(beginning.in_current_span()).await {
        Ok(begun) => begun,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => panic::resume_unwind(panic),
            // The runtime is shutting down.
            Err(_) => Err(sqlx::Error::PoolClosed),
        },
    }
}
