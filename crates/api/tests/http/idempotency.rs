//! `Idempotency-Key`: a request that names itself is run once, and answered alike each time.

use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Fleet, a_device, a_workspace};

use crate::bad_bodies::{gzip, in_chunks};
use crate::service::{ADMIN, Answer, Caller, INGEST, NORTH, POLL, SYSTEM_ADMIN, Service};

const INGEST_NORTH: &str = "/workspaces/depot-north/ingest";

pub const ROLLBACK: &str = "/workspaces/depot-north/cutover/rollback";

pub async fn service() -> (Service, Fleet) {
    Service::with(a_workspace(NORTH).with(a_device("bus-1"))).await
}

pub async fn post(
    service: &Service,
    caller: Caller,
    path: &str,
    key: &str,
    body: &Value,
) -> Answer {
    let call = service.call(caller, &Method::POST, path);
    call.header("idempotency-key", key).json(body).await
}

/// A batch with one update of `bus-1`, at this second.
pub fn batch(second: u32) -> Value {
    json!({"updates": [{"device_id": "bus-1", "observed_at": format!("2026-11-23T07:59:{second:02}Z"), "signals": {"speed_kmh": 31}}]})
}

pub async fn ingest(service: &Service, key: &str, body: &Value) -> Answer {
    post(service, INGEST, INGEST_NORTH, key, body).await
}

pub fn is_replay(answer: &Answer) -> bool {
    answer.header("idempotency-replayed") == Some("true")
}

/// The outcome of a batch's one update.
#[track_caller]
pub fn outcome(answer: &Answer) -> String {
    let body = answer.of(200);
    body["results"][0]["outcome"]
        .as_str()
        .expect("an outcome")
        .to_owned()
}

pub async fn keys_held(service: &Service) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM idempotency_keys")
        .fetch_one(service.fixture.store().pool())
        .await
        .expect("a count")
}

#[tokio::test]
async fn the_same_request_is_run_once_and_answered_alike() {
    let (service, fleet) = service().await;
    let first = ingest(&service, "k-1", &batch(1)).await;
    assert_eq!(
        (outcome(&first).as_str(), is_replay(&first)),
        ("accepted", false)
    );
    let again = ingest(&service, "k-1", &batch(1)).await;
    assert_eq!(
        (outcome(&again).as_str(), is_replay(&again)),
        ("accepted", true)
    );
    assert_eq!(again.text(), first.text(), "byte for byte");
    assert_eq!(again.header("content-type"), first.header("content-type"));
    assert_ne!(again.header("x-trace-id"), first.header("x-trace-id"));
    assert_eq!(fleet.accepted_events("bus-1").await.len(), 1);
    // Without the key it is run as ever.
    let unnamed = service.post(INGEST, INGEST_NORTH, &batch(1)).await;
    assert_eq!(
        (outcome(&unnamed).as_str(), is_replay(&unnamed)),
        ("duplicate", false)
    );
}

#[tokio::test]
async fn another_body_is_refused_and_changes_nothing() {
    let (service, fleet) = service().await;
    ingest(&service, "k-1", &batch(1)).await.of(200);
    let other = ingest(&service, "k-1", &batch(2)).await;
    other.problem(422, "idempotency-key-reused");
    assert_eq!(fleet.accepted_events("bus-1").await.len(), 1);
    assert!(is_replay(&ingest(&service, "k-1", &batch(1)).await));
}

#[tokio::test]
async fn a_compressed_body_is_the_body() {
    let (service, _) = service().await;
    ingest(&service, "k-1", &batch(1)).await.of(200);
    let call = service
        .call(INGEST, &Method::POST, INGEST_NORTH)
        .header("idempotency-key", "k-1")
        .header("content-encoding", "gzip");
    let answer = call.said_json(gzip(batch(1).to_string().as_bytes())).await;
    assert!(is_replay(&answer), "{}", answer.text());
}

/// A sweep takes no body, and a name all the same.
#[tokio::test]
async fn a_post_without_a_body_takes_a_key() {
    let (service, _) = service().await;
    let ask = |key: &'static str| {
        let call = service.call(SYSTEM_ADMIN, &Method::POST, "/reconciliation-sweeps");
        call.header("idempotency-key", key).send()
    };
    let first = ask("k-1").await;
    let again = ask("k-1").await;
    assert_eq!(again.of(202), first.of(202));
    assert!(!is_replay(&first) && is_replay(&again));
    ask("caf\u{e9}").await.problem(400, "validation");
}

#[tokio::test]
async fn every_post_takes_a_key_and_keeps_its_status_and_tag() {
    let (service, fleet) = service().await;
    let trigger = json!({"workspace_id": NORTH});
    let queued = post(&service, POLL, "/poll-cycles", "k-1", &trigger).await;
    queued.of(202);
    let again = post(&service, POLL, "/poll-cycles", "k-1", &trigger).await;
    assert_eq!(again.of(202), queued.of(202));
    assert!(is_replay(&again));
    let by_person = post(&service, SYSTEM_ADMIN, "/poll-cycles", "k-1", &trigger).await;
    assert_eq!(
        by_person.of(200)["outcome"],
        "duplicate",
        "another client's key"
    );

    let body = json!({"reason": "wrong odometer values"});
    let rolled_back = post(&service, SYSTEM_ADMIN, ROLLBACK, "k-1", &body).await;
    assert_eq!(
        (
            rolled_back.of(200)["read_owner"].as_str(),
            rolled_back.version()
        ),
        (Some("legacy"), 2)
    );
    service
        .patch(
            SYSTEM_ADMIN,
            "/workspaces/depot-north/cutover",
            &json!({"read_owner": "core"}),
        )
        .await
        .of(200);
    let again = post(&service, SYSTEM_ADMIN, ROLLBACK, "k-1", &body).await;
    assert!(is_replay(&again));
    assert_eq!((again.text(), again.version()), (rolled_back.text(), 2));
    assert_eq!(
        fleet.record().await.cutover.version,
        3,
        "nothing was rolled back again"
    );
}

#[tokio::test]
async fn another_client_route_or_workspace_has_keys_of_its_own() {
    let (service, _) = service().await;
    a_workspace("depot-south")
        .with(a_device("bus-1"))
        .create(&service.fixture)
        .await;
    let south = "/workspaces/depot-south/ingest";
    let body = json!({});
    for (caller, path, body) in [
        (INGEST, INGEST_NORTH, batch(1)),
        (INGEST, south, batch(2)),
        (SYSTEM_ADMIN, ROLLBACK, body.clone()),
        (
            SYSTEM_ADMIN,
            "/workspaces/depot-south/cutover/rollback",
            json!({"reason": "no"}),
        ),
        (SYSTEM_ADMIN, "/poll-cycles", json!({"workspace_id": NORTH})),
        (POLL, "/poll-cycles", json!({"workspace_id": "depot-south"})),
    ] {
        let answer = post(&service, caller, path, "k-1", &body).await;
        assert!(
            [200, 202].contains(&answer.status),
            "{path}: {}",
            answer.text()
        );
        assert!(!is_replay(&answer), "{caller:?} {path}");
        assert!(
            is_replay(&post(&service, caller, path, "k-1", &body).await),
            "{caller:?} {path}"
        );
    }
    assert_eq!(keys_held(&service).await, 6);
}

#[tokio::test]
async fn a_bad_key_is_named_after_who_is_asking_and_before_the_body_is_read() {
    let (service, _) = service().await;
    let long = "k".repeat(256);
    for keys in [
        vec![""],
        vec![&long],
        vec!["kä"],
        vec!["a\tb"],
        vec!["k-1", "k-1"],
    ] {
        let call = |caller, path| {
            let call = service.call(caller, &Method::POST, path);
            keys.iter()
                .fold(call, |call, key| call.header("idempotency-key", key))
        };
        call(INGEST, INGEST_NORTH)
            .said_json("{")
            .await
            .names(&["Idempotency-Key"]);
        call(Caller::Nobody, INGEST_NORTH)
            .said_json("{")
            .await
            .problem(401, "unauthorized");
        call(ADMIN, INGEST_NORTH)
            .said_json("{")
            .await
            .problem(403, "forbidden");
        call(SYSTEM_ADMIN, "/workspaces/depot-north/health")
            .said_json("{")
            .await
            .problem(405, "method-not-allowed");
        call(INGEST, INGEST_NORTH)
            .body("{")
            .send()
            .await
            .problem(415, "unsupported-media-type");
    }
    assert_eq!(keys_held(&service).await, 0);
}

#[tokio::test]
async fn the_guard_and_the_limits_stand_before_a_kept_answer() {
    let (service, _) = service().await;
    ingest(&service, "k-1", &batch(1)).await.of(200);
    let call = |caller| {
        service
            .call(caller, &Method::POST, INGEST_NORTH)
            .header("idempotency-key", "k-1")
    };
    call(Caller::Expired)
        .json(&batch(1))
        .await
        .problem(401, "unauthorized");
    call(SYSTEM_ADMIN)
        .json(&batch(1))
        .await
        .problem(403, "forbidden");
    call(INGEST)
        .said_json(vec![b' '; 8 * 1024 * 1024 + 1])
        .await
        .problem(413, "payload-too-large");
    // Of no declared length: counted as it comes.
    call(INGEST)
        .said_json(in_chunks(vec![b' '; 8 * 1024 * 1024 + 1]))
        .await
        .problem(413, "payload-too-large");
    assert!(is_replay(&call(INGEST).json(&batch(1)).await));
    let with_query = service
        .call(INGEST, &Method::POST, &format!("{INGEST_NORTH}?nope=1"))
        .header("idempotency-key", "k-1");
    with_query.json(&batch(1)).await.names(&["nope"]);
}

#[tokio::test]
async fn a_header_on_other_methods_and_open_routes_is_nobodys() {
    let (service, _) = service().await;
    for _ in 0..2 {
        let call = service.call(SYSTEM_ADMIN, &Method::PUT, "/workspaces/depot-north");
        let call = call.header("idempotency-key", "k-1");
        call.json(&json!({"name": "North", "active": true}))
            .await
            .of(200);
    }
    for subject in ["anna", "berta"] {
        let call = service
            .call(Caller::Nobody, &Method::POST, "/dev/token")
            .header("idempotency-key", "k-1");
        call.json(&json!({"kind": "user", "groups": [], "subject": subject}))
            .await
            .of(200);
    }
    assert_eq!(keys_held(&service).await, 0);
}

#[tokio::test]
async fn a_long_answer_is_kept_whole_and_one_beyond_measure_is_not() {
    let (service, _) = service().await;
    for (name, message_id, kept) in [
        ("k-1", "m".repeat(200), true),
        ("k-2", "m".repeat(600), false),
    ] {
        let update = json!({"device_id": "nope", "observed_at": "2026-11-23T07:59:00Z", "message_id": message_id, "signals": {"speed_kmh": 1}});
        let batch = json!({"updates": vec![update; 8_000]});
        let first = ingest(&service, name, &batch).await;
        let again = ingest(&service, name, &batch).await;
        assert!(again.text() == first.text(), "rejected alike");
        assert_eq!(is_replay(&again), kept, "{} bytes", first.text().len());
    }
    assert_eq!(keys_held(&service).await, 1);
}
