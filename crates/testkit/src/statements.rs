//! Recording which SQL statements a future runs, by the names in the comments at their heads.

use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tracing::field::{Field, Visit};
use tracing::instrument::WithSubscriber;
use tracing::{Dispatch, Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

/// Runs a future to its end and returns its output with the names of the statements that it ran, in order. Not among
/// them are the statements of tasks that it spawned, `BEGIN`, `COMMIT`, and the driver's questions about types.
pub async fn statements_of<T>(something: impl Future<Output = T>) -> (T, Vec<String>) {
    register_another_subscriber();
    let statements = Statements::default();
    let subscriber = tracing_subscriber::registry().with(statements.clone());
    let outcome = something.with_subscriber(subscriber).await;
    let names = std::mem::take(&mut *statements.0.lock().unwrap_or_else(PoisonError::into_inner));
    (outcome, names)
}

/// Registers another subscriber, once. If there is a single subscriber, `tracing` takes it for that of the calling thread,
/// and a log line that another test logs first would be disabled for all threads.
pub(crate) fn register_another_subscriber() {
    static ANOTHER: OnceLock<Dispatch> = OnceLock::new();
    ANOTHER.get_or_init(|| Dispatch::new(tracing_subscriber::registry()));
}

#[derive(Clone, Default)]
struct Statements(Arc<Mutex<Vec<String>>>);

impl<S: Subscriber> Layer<S> for Statements {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() == "sqlx::query" {
            event.record(&mut NameOf(self));
        }
    }
}

/// Takes the name of a statement from the comment at its head.
struct NameOf<'s>(&'s Statements);

impl Visit for NameOf<'_> {
    fn record_str(&mut self, field: &Field, sql: &str) {
        if field.name() == "db.statement" && !sql.trim().starts_with("SELECT pg_type.oid") {
            let comment = sql
                .trim()
                .strip_prefix("/*")
                .and_then(|rest| rest.split_once("*/"));
            let name = comment.map_or(sql.trim(), |(name, _)| name.trim());
            self.0
                .0
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(name.to_owned());
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}
}
