//! Transactions that are safe against cancellation of the caller's future.
//!
//! sqlx 0.9.0 (its issue 4393) counts a transaction as open only after the answer to `BEGIN`. If the caller's future
//! were dropped before that answer, sqlx would not roll back: the connection would return to the pool inside the open
//! transaction, and later writes through the connection would be lost although their callers saw them succeed. A future
//! that is dropped before the answer to `COMMIT` has the opposite effect: sqlx rolls back a transaction that has
//! committed.
//!
//! So a task of its own waits for each of the two answers, even after the caller's future was dropped.

use std::panic;

use sqlx::{PgPool, Postgres, Transaction};
use tracing::Instrument;

/// Begins a transaction by `BEGIN`, or by the given statement, which may set an isolation level.
///
/// # Errors
/// Returns an error if the pool has no connection in time, or if the database does not answer.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the place that begins transactions"
)]
pub(crate) async fn begin(
    pool: &PgPool,
    statement: Option<&'static str>,
) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
    let pool = pool.clone();
    run_to_completion(async move {
        match statement {
            Some(statement) => pool.begin_with(statement).await,
            None => pool.begin().await,
        }
    })
    .await
}

/// Commits a transaction.
///
/// # Errors
/// Returns an error if the database did not confirm the commit.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the place that commits transactions"
)]
pub(crate) async fn commit(transaction: Transaction<'static, Postgres>) -> Result<(), sqlx::Error> {
    run_to_completion(transaction.commit()).await
}

/// Runs a future to completion in a task of its own, even if the caller's future is dropped.
async fn run_to_completion<T: Send + 'static>(
    asking: impl Future<Output = Result<T, sqlx::Error>> + Send + 'static,
) -> Result<T, sqlx::Error> {
    #[expect(
        clippy::disallowed_methods,
        reason = "the pool tracks the task: closing it waits for the task's connection"
    )]
    let task = tokio::spawn(asking.in_current_span());
    match task.await {
        Ok(answer) => answer,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => panic::resume_unwind(panic),
            // A task without a panic is cancelled only when the runtime shuts down.
            Err(_) => Err(sqlx::Error::PoolClosed),
        },
    }
}
