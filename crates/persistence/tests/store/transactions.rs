//! Transactions whose caller gives up while the database has not answered yet.
//!
//! The driver believes that a transaction has begun once the answer to `BEGIN` has come, and that it has ended once that
//! to `COMMIT` has. A connection that went back to the pool in between would have a transaction open that nobody knows
//! of: what others write through it afterwards would be lost.

use domain::fleet::WorkspaceName;
use domain::ids::WorkspaceId;
use futures::future::BoxFuture;
use persistence::{Fence, Store};
use sqlx::Executor;
use testkit::{CORE_OWNED, TestDatabase, start};

use crate::answer_gate::AnswerGate;

/// Something that begins a transaction.
type Begin = for<'a> fn(&'a Store, &'a WorkspaceId) -> BoxFuture<'a, ()>;

fn a_unit_of_work<'a>(store: &'a Store, id: &'a WorkspaceId) -> BoxFuture<'a, ()> {
    Box::pin(async { drop(store.begin(id, Fence::Shared).await) })
}

fn a_read<'a>(store: &'a Store, id: &'a WorkspaceId) -> BoxFuture<'a, ()> {
    Box::pin(async { drop(store.issue_facts(id).await) })
}

fn north() -> WorkspaceId {
    WorkspaceId::try_new("north").expect("a workspace id")
}

/// A store with a single connection, which is open.
async fn connected(gate: &AnswerGate) -> Store {
    let store = Store::open(gate.url(), 1).expect("a URL");
    store.ping().await.expect("an answer");
    store
}

/// Writes through the only connection of a store. Fails if others do not see what was written.
async fn assert_writes_are_committed(store: &Store, database: &TestDatabase, way: &str) {
    let write = "UPDATE registration_counter SET last_number = last_number + 1";
    let read = "SELECT last_number FROM registration_counter";
    let number = async || -> i64 {
        let number = sqlx::query_scalar(read).fetch_one(database.store().pool());
        number.await.expect("a number")
    };
    let before = number().await;
    store.pool().execute(write).await.expect("an update");
    assert_eq!(number().await, before + 1, "{way}");
}

#[tokio::test]
async fn a_transaction_that_is_given_up_before_the_answer_to_its_begin_is_not_left_open() {
    let database = TestDatabase::create().await;
    let id = north();
    let ways: [(&str, Begin); 2] = [("a unit of work", a_unit_of_work), ("a read", a_read)];
    for (way, begin) in ways {
        let gate = AnswerGate::before(&database).await;
        let store = connected(&gate).await;
        gate.hold_answer_to("BEGIN");
        tokio::select! {
            biased;
            () = begin(&store, &id) => panic!("{way} went on without an answer"),
            () = gate.answered() => {}
        }
        gate.open();
        assert_writes_are_committed(&store, &database, way).await;
    }
}

#[tokio::test]
async fn a_transaction_that_is_given_up_before_the_answer_to_its_commit_is_committed() {
    let database = TestDatabase::create().await;
    let gate = AnswerGate::before(&database).await;
    let store = connected(&gate).await;
    let begun = store.begin(&north(), Fence::Exclusive).await;
    let mut uow = begun.expect("a unit of work");
    let name = WorkspaceName::try_new("North").expect("a name");
    uow.insert_workspace(&name, true, CORE_OWNED, "anna", start())
        .await
        .expect("a workspace");
    gate.hold_answer_to("COMMIT");
    tokio::select! {
        biased;
        _ = uow.commit() => panic!("the commit went on without an answer"),
        () = gate.answered() => {}
    }
    gate.open();
    assert_writes_are_committed(&store, &database, "a unit of work").await;
    let found = database.store().workspace(&north()).await;
    assert!(found.expect("the store").is_some());
}
