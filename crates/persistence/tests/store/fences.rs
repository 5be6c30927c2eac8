//! The fence of a unit of work: decisions side by side, changes alone, workspaces apart.

use domain::ids::WorkspaceId;
use persistence::{Fence, Store, UnitOfWork};
use testkit::{TestDatabase, eventually};
use tokio::task::JoinHandle;

use crate::statements::{explain, statement};

/// Whoever waits for a transaction that is idle goes on when PostgreSQL ends it, after some seconds: then its commit
/// fails.
const HELD_ALL_THE_WHILE: &str = "the transaction was held all the while, and nobody waited for it";

fn depot(id: &str) -> WorkspaceId {
    WorkspaceId::try_new(id).expect("a workspace id")
}

async fn begin(store: &Store, id: &str, fence: Fence) -> UnitOfWork {
    store
        .begin(&depot(id), fence)
        .await
        .expect("a unit of work")
}

fn beginning(store: &Store, id: &'static str, fence: Fence) -> JoinHandle<UnitOfWork> {
    let store = store.clone();
    tokio::spawn(async move { begin(&store, id, fence).await })
}

#[tokio::test]
async fn a_change_waits_for_decisions_before_it_and_not_for_those_after_it() {
    let database = TestDatabase::create().await;
    let store = database.store();
    let first = begin(store, "north", Fence::Shared).await;
    let beside = begin(store, "north", Fence::Shared).await;
    let change = beginning(store, "north", Fence::Exclusive);
    eventually("the change waits", async || {
        database.sessions_waiting().await == 1
    })
    .await;
    let later = beginning(store, "north", Fence::Shared);
    eventually("the later decision queues behind the change", async || {
        database.sessions_waiting().await == 2
    })
    .await;

    first.commit().await.expect("a commit");
    assert!(!change.is_finished(), "one decision is still open");
    drop(beside);
    let change = change.await.expect("the change begins");
    assert_eq!(database.sessions_waiting().await, 1);
    assert!(!later.is_finished(), "the change is alone");
    change.commit().await.expect("a commit");
    later.await.expect("the later decision begins");
}

#[tokio::test]
async fn workspaces_never_wait_for_each_other() {
    let database = TestDatabase::create().await;
    let store = database.store();
    let north = begin(store, "north", Fence::Exclusive).await;
    for fence in [Fence::Shared, Fence::Exclusive] {
        let south = begin(store, "south", fence).await;
        south.commit().await.expect("a commit");
    }
    north.commit().await.expect(HELD_ALL_THE_WHILE);
}

#[tokio::test]
async fn readers_do_not_wait_for_a_change() {
    let database = TestDatabase::create().await;
    let store = database.store();
    let change = begin(store, "north", Fence::Exclusive).await;
    let facts = store.health_facts(&depot("north")).await;
    assert!(facts.expect("facts").is_none());
    change.commit().await.expect(HELD_ALL_THE_WHILE);
}

/// What the database still keeps for somebody: open transactions, and fences held or waited for.
async fn left_open(database: &TestDatabase) -> i64 {
    sqlx::query_scalar(
        "SELECT (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%')
              + (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))",
    )
    .fetch_one(database.another_store().pool())
    .await
    .expect("sessions and locks")
}

#[tokio::test]
async fn who_gives_up_waiting_at_the_fence_leaves_nothing_behind() {
    let database = TestDatabase::create().await;
    let store = database.store();
    for fence in [Fence::Shared, Fence::Exclusive] {
        let change = begin(store, "north", Fence::Exclusive).await;
        // A caller that hangs up, a request that is over its time, a worker that has lost its lease.
        let waiting = beginning(store, "north", fence);
        eventually("it waits at the fence", async || {
            database.sessions_waiting().await == 1
        })
        .await;
        waiting.abort();
        change.commit().await.expect("a commit");
        eventually("nothing is left open", async || {
            left_open(&database).await == 0
        })
        .await;
    }
}

#[tokio::test]
async fn who_is_refused_at_the_fence_leaves_its_connection_fit_for_use() {
    let database = TestDatabase::create().await;
    let store = database.store();
    let change = begin(store, "north", Fence::Exclusive).await;
    let waiting = beginning(store, "north", Fence::Shared);
    eventually("it waits at the fence", async || {
        database.sessions_waiting().await == 1
    })
    .await;
    // As a lock timeout does, sooner.
    sqlx::query("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")
        .execute(database.another_store().pool())
        .await
        .expect("a cancellation");
    waiting.await.expect_err("the fence was not taken");
    drop(change);
    eventually("nothing is left open", async || {
        left_open(&database).await == 0
    })
    .await;
    for _ in 0..24 {
        begin(store, "north", Fence::Shared)
            .await
            .commit()
            .await
            .expect("a commit");
    }
}

/// On a database of several nodes the fence is a lock of the node that has the workspace's rows: each form of it counts
/// those rows, and PostgreSQL neither leaves the count out nor takes the lock below it.
#[tokio::test]
async fn the_fence_is_taken_where_the_rows_of_the_workspace_are() {
    let database = TestDatabase::create().await;
    let pool = database.store().pool();
    let function: String =
        sqlx::query_scalar("SELECT prosrc FROM pg_proc WHERE proname = 'record_updates'")
            .fetch_one(pool)
            .await
            .expect("the function");
    let from = function.find("SELECT pg_try_advisory").expect("its fence");
    let of_function = function[from..].split(';').next().expect("a statement");
    let of_function = of_function
        .replace("of_workspace", "$1::text")
        .replace("INTO fence_taken", "");
    for (statement, lock) in [
        (statement("fence: shared"), "pg_advisory_xact_lock_shared"),
        (statement("fence: exclusive"), "pg_advisory_xact_lock"),
        (of_function, "pg_try_advisory_xact_lock_shared"),
    ] {
        let plan = explain(pool, &statement, "'north'", "EXPLAIN (VERBOSE, COSTS off)").await;
        let lines: Vec<&str> = plan.lines().map(str::trim).collect();
        assert_eq!(lines[0], "Subquery Scan on there", "{plan}");
        let output = format!("Output: {lock}(hashtextextended($1, '0'::bigint))");
        assert_eq!(lines[1], output, "{plan}");
        assert_eq!(lines[2], "->  Aggregate", "{plan}");
        assert!(plan.contains("Filter: (count(*) >= 0)"), "{plan}");
        assert!(
            plan.contains("using workspaces_pkey on public.workspaces"),
            "{plan}"
        );
        assert!(plan.contains("(workspaces.workspace_id = $1)"), "{plan}");
    }
}
