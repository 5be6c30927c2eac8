//! Which SQL statements something runs, by the names at their heads.

use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tracing::field::{Field, Visit};
use tracing::instrument::WithSubscriber;
use tracing::{Dispatch, Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

/// Runs something to its end, with the names of the statements that it ran, in order. Those of tasks
/// that it spawned are not among them, nor are `BEGIN` and `COMMIT`, nor what the driver asks about types, once a
/// connection.
pub async fn statements_of<T>(something: impl Future<Output = T>) -> (T, Vec<String>) {
    subscribers_are_told_apart();
    let statements = Statements::default();
    let subscriber = tracing_subscriber::registry().with(statements.clone());
    let outcome = something.with_subscriber(subscriber).await;
    let names = std::mem::take(&mut *statements.0.lock().unwrap_or_else(PoisonError::into_inner));
    (outcome, names)
}

/// Of a single subscriber `tracing` assumes that it is the calling thread's: what a test beside this one
/// logs first would be disabled for all threads. Of two it assumes no such thing.
pub(crate) fn subscribers_are_told_apart() {
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

/// Finds the comment at the head of a statement.
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
