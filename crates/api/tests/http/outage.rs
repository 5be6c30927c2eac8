//! Without its database the service says so, and that it is worth coming back.

use reqwest::Method;
use serde_json::json;
use testkit::core_without_database;

use crate::service::{Caller, FORWARD, INGEST, POLL, SYSTEM_ADMIN, Service, VIEWER};

async fn without_database() -> Service {
    Service::start_with(|state| state.core = core_without_database(state.core.clock.clone())).await
}

#[tokio::test]
async fn what_needs_the_database_is_503_with_retry_after() {
    let service = without_database().await;
    let update = json!({"updates": [{"device_id": "bus-1", "observed_at": "2026-11-23T08:00:00Z", "signals": {"speed_kmh": 1}}]});
    let policy = json!({"poll_interval_minutes": 5, "stale_threshold_minutes": 15, "no_data_grace_minutes": 60});
    let answers = [
        service.get(VIEWER, "/workspaces/depot-north/health").await,
        service
            .get(VIEWER, "/workspaces/depot-north/snapshots/bus-1")
            .await,
        service.get(SYSTEM_ADMIN, "/workspaces").await,
        service
            .put(SYSTEM_ADMIN, "/workspaces/depot-north/policy", &policy)
            .await,
        service
            .post(INGEST, "/workspaces/depot-north/ingest", &update)
            .await,
        service
            .post(
                FORWARD,
                "/workspaces/depot-north/provider-ingest",
                &json!({"envelopes": [7]}),
            )
            .await,
        service
            .post(
                POLL,
                "/poll-cycles",
                &json!({"workspace_id": "depot-north"}),
            )
            .await,
        service
            .post(
                SYSTEM_ADMIN,
                "/workspaces/depot-north/cutover/rollback",
                &json!({}),
            )
            .await,
        service.get(Caller::Nobody, "/readyz").await,
    ];
    for answer in answers {
        answer.problem(503, "unavailable");
        let seconds: u32 = answer
            .header("retry-after")
            .expect("Retry-After")
            .parse()
            .expect("seconds");
        assert!(seconds > 0);
    }
}

#[tokio::test]
async fn what_does_not_need_it_goes_on() {
    let service = without_database().await;
    assert_eq!(service.get(Caller::Nobody, "/livez").await.status, 200);
    service.get(Caller::Nobody, "/openapi.json").await.of(200);
    service
        .get(Caller::Nobody, "/workspaces")
        .await
        .problem(401, "unauthorized");
    service
        .get(VIEWER, "/workspaces/depot-north/health?state=x")
        .await
        .problem(400, "validation");
    let call = service.call(INGEST, &Method::POST, "/workspaces/depot-north/ingest");
    call.said_json("{").await.problem(400, "validation");
}

#[tokio::test]
async fn with_it_the_service_is_ready() {
    let service = Service::start().await;
    assert_eq!(service.get(Caller::Nobody, "/readyz").await.status, 200);
    assert_eq!(service.get(Caller::Nobody, "/livez").await.status, 200);
}

/// Tokens cannot be judged: that is our trouble, and not the caller's.
#[tokio::test]
async fn without_the_issuers_keys_a_token_is_503() {
    let service = Service::start_with(|state| {
        let nowhere = "http://127.0.0.1:1/jwks.json";
        let settings =
            auth::VerifierSettings::try_new("http://issuer.test", nowhere, ["bf-dev"], None);
        let clock = state.core.clock.clone();
        state.verifier =
            auth::Verifier::try_new(settings.expect("settings"), clock).expect("a verifier");
    })
    .await;
    let answer = service.get(VIEWER, "/workspaces/depot-north/health").await;
    answer.problem(503, "keys-unavailable");
    assert!(answer.header("retry-after").is_some());
    service
        .get(Caller::Forger, "/workspaces/depot-north/health")
        .await
        .problem(401, "unauthorized");
    service
        .get(Caller::Nobody, "/workspaces/depot-north/health")
        .await
        .problem(401, "unauthorized");
}
