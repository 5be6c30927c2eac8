//! Transactions that whoever begins one may give up at any moment.
//!
//! The driver (sqlx 0.9.0, its issue 4393) counts a transaction only once the answer to its `BEGIN` has come. Given
//! up before that, it would not be undone: its connection would go back to the pool with the transaction open, and
//! what others did through it afterwards, each believing that it was committed, would be lost with it. Until the
//! answer to its `COMMIT` it counts as open, and would be undone after that.
//!
//! So a task waits for either answer, whoever else does.

use std::panic;

use sqlx::{PgPool, Postgres, Transaction};
use tracing::Instrument;

/// Begins a transaction, by `BEGIN` or a statement that says more.
///
/// # Errors
/// When the pool has no connection in time, or the database does not answer.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the place that begins transactions"
)]
pub(crate) async fn begin(
    pool: &PgPool,
    statement: Option<&'static str>,
) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
    let pool = pool.clone();
    to_its_end(async move {
        match statement {
            Some(statement) => pool.begin_with(statement).await,
            None => pool.begin().await,
        }
    })
    .await
}

/// Makes everything durable.
///
/// # Errors
/// When the database did not confirm.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the place that commits transactions"
)]
pub(crate) async fn commit(transaction: Transaction<'static, Postgres>) -> Result<(), sqlx::Error> {
    to_its_end(transaction.commit()).await
}

async fn to_its_end<T: Send + 'static>(
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
            // The runtime is shutting down.
            Err(_) => Err(sqlx::Error::PoolClosed),
        },
    }
}
