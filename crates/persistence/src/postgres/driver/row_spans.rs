//! Queries whose rows are decoded without tracing spans.

use tracing::instrument::WithSubscriber;
use tracing::subscriber::NoSubscriber;

/// Runs a query that returns a row for every device of a workspace, without the caller's tracing subscriber.
///
/// sqlx 0.9.0 enters and leaves the caller's span several times for each row that it streams, which costs as much as
/// decoding the row; its pull request 4270 would move that to once a query. The query's own span is the caller's.
pub(crate) async fn without_row_spans<T>(query: impl Future<Output = T>) -> T {
    query.with_subscriber(NoSubscriber::default()).await
}
