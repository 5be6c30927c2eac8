//! Transactions that whoever begins one gives up.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use domain::ids::WorkspaceId;
use futures::future::BoxFuture;
use persistence::{Fence, Store};
use sqlx::Executor;
use testkit::{TestDatabase, eventually};
use tokio::task::yield_now;

/// What begins a transaction.
type Begin = for<'a> fn(&'a Store, &'a WorkspaceId) -> BoxFuture<'a, ()>;

fn a_unit_of_work<'a>(store: &'a Store, id: &'a WorkspaceId) -> BoxFuture<'a, ()> {
    Box::pin(async { drop(store.begin(id, Fence::Shared).await) })
}

fn a_read<'a>(store: &'a Store, id: &'a WorkspaceId) -> BoxFuture<'a, ()> {
    Box::pin(async { drop(store.issue_facts(id).await) })
}

/// Its one connection is there for the next, then.
async fn answers(store: &Store) {
    let answer = store.pool().execute("SELECT 1").await;
    answer.expect("an answer");
    eventually("the connection is back", async || {
        store.pool().num_idle() == 1
    })
    .await;
}

/// A timer would count milliseconds.
async fn passing(span: Duration) {
    let since = Instant::now();
    while since.elapsed() < span {
        yield_now().await;
    }
}

/// Else nobody else would ever see what the next one writes through the same connection.
#[tokio::test]
async fn one_that_is_given_up_at_any_moment_is_not_left_open() {
    let database = TestDatabase::create().await;
    let id = WorkspaceId::try_new("north").expect("a workspace id");
    let ways: [(&str, Begin); 2] = [("a unit of work", a_unit_of_work), ("a read", a_read)];
    for (way, begin) in ways {
        let store = Store::open(database.url(), 1).expect("a URL");
        for micros in (0..1_000).step_by(10) {
            answers(&store).await;
            tokio::select! {
                biased;
                () = begin(&store, &id) => {}
                () = passing(Duration::from_micros(micros)) => {}
            }
            answers(&store).await;
            let left_open: i64 = sqlx::query_scalar(
                "SELECT count(*) FROM pg_stat_activity
                 WHERE datname = current_database() AND state LIKE 'idle in transaction%'",
            )
            .fetch_one(database.store().pool())
            .await
            .expect("the sessions");
            assert_eq!(left_open, 0, "{way} given up after {micros} us");
        }
    }
}

/// The sources of this crate.
fn sources(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("the sources");
    let paths = entries.map(|entry| entry.expect("a source").path());
    let read = |path: PathBuf| match path.is_dir() {
        true => sources(&path),
        false => vec![fs::read_to_string(path).expect("a source")],
    };
    paths.flat_map(read).collect()
}

#[test]
fn there_is_one_place_that_begins_any_and_commits_it() {
    let sources = sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    let times_in_sources = |call: &str| -> usize {
        let times = |source: &String| source.matches(call).count();
        sources.iter().map(times).sum()
    };
    for call in [".begin()", ".begin_with(", ".commit()"] {
        assert_eq!(times_in_sources(call), 1, "{call}");
    }
}
