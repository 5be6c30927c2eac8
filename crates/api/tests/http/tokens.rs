//! The local issuer's routes, which only `dev` has.

use reqwest::Method;
use serde_json::json;
use testkit::a_workspace;

use crate::service::{Caller, NORTH, Service};

#[tokio::test]
async fn a_minted_token_is_good_for_what_was_asked() {
    let (service, _) = Service::with(a_workspace(NORTH)).await;
    for (request, status) in [
        (json!({"kind": "user", "groups": ["system-admin"]}), 200),
        (
            json!({"kind": "user", "groups": ["workspace:depot-north:viewer"], "subject": "vera"}),
            200,
        ),
        (
            json!({"kind": "machine", "scopes": ["telematics/read"]}),
            200,
        ),
        (json!({"kind": "user", "groups": ["any text at all"]}), 404),
        (json!({"kind": "machine"}), 403),
        (
            json!({"kind": "user", "groups": ["system-admin"], "expires_in_seconds": -60}),
            401,
        ),
        (
            json!({"kind": "user", "groups": ["system-admin"], "client_id": "a stranger"}),
            401,
        ),
    ] {
        let minted = service
            .post(Caller::Nobody, "/dev/token", &request)
            .await
            .of(200);
        assert_eq!(
            minted.as_object().map(serde_json::Map::len),
            Some(1),
            "{minted}"
        );
        let token = minted["access_token"].as_str().expect("a token");
        let call = service
            .call(
                Caller::Nobody,
                &Method::GET,
                "/workspaces/depot-north/health",
            )
            .header("authorization", format!("Bearer {token}"));
        let answer = call.send().await;
        assert_eq!(answer.status, status, "{request}: {}", answer.text());
    }
}

#[tokio::test]
async fn a_kind_takes_its_own_grants_only() {
    let service = Service::start().await;
    for request in [
        json!({"kind": "machine", "groups": []}),
        json!({"kind": "user", "scopes": []}),
        json!({"kind": "user", "roles": []}),
    ] {
        service
            .post(Caller::Nobody, "/dev/token", &request)
            .await
            .problem(400, "validation");
    }
}

#[tokio::test]
async fn the_keys_are_a_key_set() {
    let service = Service::start().await;
    let keys = service.get(Caller::Nobody, "/dev/jwks.json").await.of(200);
    let key = &keys["keys"][0];
    assert_eq!(
        (&key["kty"], &key["alg"], &key["use"]),
        (&json!("RSA"), &json!("RS256"), &json!("sig"))
    );
    assert!(key.get("d").is_none(), "nothing private is shown");
}

#[tokio::test]
async fn outside_of_dev_there_is_no_issuer() {
    let service = Service::start_with(|state| state.dev_issuer = None).await;
    let request = json!({"kind": "user", "groups": ["system-admin"]});
    service
        .post(Caller::Nobody, "/dev/token", &request)
        .await
        .problem(404, "not-found");
    service
        .get(Caller::Nobody, "/dev/jwks.json")
        .await
        .problem(404, "not-found");
    // What the routes would say of a body is no sign of them either.
    let call = service.call(Caller::Nobody, &Method::POST, "/dev/token");
    call.said_json("{").await.problem(404, "not-found");
    let call = service.call(Caller::Nobody, &Method::POST, "/dev/token");
    call.body("x").send().await.problem(404, "not-found");
    service
        .get(Caller::Nobody, "/dev/token")
        .await
        .problem(404, "not-found");
    service
        .get(crate::service::SYSTEM_ADMIN, "/dev/token")
        .await
        .problem(404, "not-found");
}
