//! A key whose request is under way, failed, was given up or is long past.

use std::sync::Arc;

use chrono::TimeDelta;
use serde_json::json;
use testkit::{Fleet, HeldWorkspace, a_device, a_workspace, eventually, hours, seconds};
use tokio::task::JoinHandle;

use crate::idempotency::{ROLLBACK, batch, ingest, is_replay, keys_held, outcome, post, service};
use crate::service::{Answer, INGEST, NORTH, POLL, SYSTEM_ADMIN, Service};

/// A batch in flight, and the change of its workspace that holds it up for as long as it is there.
async fn held_up(service: &Arc<Service>, fleet: &Fleet) -> (HeldWorkspace, JoinHandle<Answer>) {
    let change = fleet.hold().await;
    let batch_in_flight = {
        let service = Arc::clone(service);
        tokio::spawn(async move { ingest(&service, "k-1", &batch(1)).await })
    };
    eventually("the batch waits", async || {
        service.fixture.database.sessions_waiting().await == 1
    })
    .await;
    (change, batch_in_flight)
}

#[tokio::test]
async fn of_two_at_once_on_two_instances_one_is_run_and_the_other_told_to_wait() {
    let (service, fleet) = service().await;
    let service = Arc::new(service);
    let other = service.another_instance().await;
    let (change, first) = held_up(&service, &fleet).await;
    for instance in [&*service, &other] {
        let second = ingest(instance, "k-1", &batch(1)).await;
        second.problem(409, "idempotency-key-in-use");
        let wait: u32 = second
            .header("retry-after")
            .expect("Retry-After")
            .parse()
            .expect("seconds");
        assert!(wait > 0);
        ingest(instance, "k-1", &batch(2))
            .await
            .problem(422, "idempotency-key-reused");
    }
    drop(change);
    let first = first.await.expect("the first");
    assert_eq!(outcome(&first), "accepted");
    let second = ingest(&other, "k-1", &batch(1)).await;
    assert_eq!((second.text(), is_replay(&second)), (first.text(), true));
}

#[tokio::test]
async fn a_caller_who_hung_up_is_told_later_what_became_of_the_request() {
    let (service, fleet) = service().await;
    let service = Arc::new(service);
    let (change, first) = held_up(&service, &fleet).await;
    first.abort();
    assert!(first.await.expect_err("hung up").is_cancelled());
    drop(change);
    let again = eventually("an answer", async || {
        let again = ingest(&service, "k-1", &batch(1)).await;
        (again.status != 409).then_some(again)
    })
    .await;
    assert_eq!(
        (outcome(&again).as_str(), is_replay(&again)),
        ("accepted", true)
    );
    assert_eq!(fleet.accepted_events("bus-1").await.len(), 1);
}

#[tokio::test]
async fn a_refusal_leaves_the_key_free() {
    let (service, fleet) = service().await;
    let body = json!({"updates": []});
    ingest(&service, "k-1", &body)
        .await
        .problem(400, "validation");
    let unknown = "/workspaces/depot-west/ingest";
    post(&service, INGEST, unknown, "k-1", &batch(1))
        .await
        .problem(404, "not-found");
    let foreign = json!({"workspace_id": "depot-west"});
    post(&service, POLL, "/poll-cycles", "k-1", &foreign)
        .await
        .problem(404, "not-found");
    assert_eq!(keys_held(&service).await, 0);
    assert_eq!(
        outcome(&ingest(&service, "k-1", &batch(1)).await),
        "accepted"
    );
    drop(fleet);
}

#[tokio::test]
async fn a_failure_of_ours_leaves_the_key_free() {
    let (service, _) = service().await;
    let rename = async |statement: &'static str| {
        sqlx::raw_sql(statement)
            .execute(service.fixture.store().pool())
            .await
            .expect(statement);
    };
    rename("ALTER TABLE cutover_changes RENAME TO elsewhere").await;
    let body = json!({"reason": "why"});
    post(&service, SYSTEM_ADMIN, ROLLBACK, "k-1", &body)
        .await
        .problem(500, "internal");
    rename("ALTER TABLE elsewhere RENAME TO cutover_changes").await;
    assert_eq!(keys_held(&service).await, 0);
    let answer = post(&service, SYSTEM_ADMIN, ROLLBACK, "k-1", &body).await;
    assert_eq!(
        (answer.of(200)["read_owner"].as_str(), is_replay(&answer)),
        (Some("legacy"), false)
    );
}

#[tokio::test]
async fn a_panic_leaves_the_key_free() {
    // No time is so much later than another.
    let broken =
        Service::start_with(|state| state.core.rules.future_tolerance = TimeDelta::MAX).await;
    a_workspace(NORTH)
        .with(a_device("bus-1"))
        .create(&broken.fixture)
        .await;
    ingest(&broken, "k-1", &batch(1))
        .await
        .problem(500, "internal");
    assert_eq!(keys_held(&broken).await, 0);
    let mended = broken.another_instance().await;
    assert_eq!(
        outcome(&ingest(&mended, "k-1", &batch(1)).await),
        "accepted"
    );
}

#[tokio::test]
async fn a_key_lasts_a_day_and_outlives_the_instance() {
    let (service, _) = service().await;
    let first = ingest(&service, "k-1", &batch(1)).await;
    let restarted = service.another_instance().await;
    let again = ingest(&restarted, "k-1", &batch(1)).await;
    assert_eq!((again.text(), is_replay(&again)), (first.text(), true));
    service.fixture.clock.advance(hours(24) - seconds(1));
    assert!(is_replay(&ingest(&restarted, "k-1", &batch(1)).await));
    service.fixture.clock.advance(seconds(1));
    let next_day = ingest(&restarted, "k-1", &batch(2)).await;
    assert_eq!(
        (outcome(&next_day).as_str(), is_replay(&next_day)),
        ("accepted", false)
    );
}

#[tokio::test]
async fn what_a_killed_instance_left_in_flight_is_run_again_after_a_minute() {
    let (service, _) = service().await;
    ingest(&service, "k-1", &batch(1)).await.of(200);
    // As if the instance had been killed after its commit and before it kept the answer.
    sqlx::query("UPDATE idempotency_keys SET status = NULL, headers = NULL, body = NULL")
        .execute(service.fixture.store().pool())
        .await
        .expect("the store");
    ingest(&service, "k-1", &batch(1))
        .await
        .problem(409, "idempotency-key-in-use");
    service.fixture.clock.advance(seconds(60));
    ingest(&service, "k-1", &batch(2))
        .await
        .problem(422, "idempotency-key-reused");
    let again = ingest(&service, "k-1", &batch(1)).await;
    assert_eq!(
        (outcome(&again).as_str(), is_replay(&again)),
        ("duplicate", false)
    );
    assert!(is_replay(&ingest(&service, "k-1", &batch(1)).await));
}
