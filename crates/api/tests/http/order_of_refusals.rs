//! Of several things that are wrong with a request, the first in the contract's order is told.

use reqwest::Method;
use serde_json::json;
use testkit::{a_device, a_workspace, minutes};

use crate::service::{ADMIN, Caller, NORTH, SYSTEM_ADMIN, Service, VIEWER};

const POLICY: &str = "/workspaces/depot-north/policy?nope=1";
const FOREIGN_POLICY: &str = "/workspaces/depot-south/policy?nope=1";

/// More than any body may have, that is no JSON.
fn too_much() -> Vec<u8> {
    vec![b'x'; 300 * 1024]
}

#[tokio::test]
async fn each_refusal_hides_the_ones_after_it() {
    let (service, _) = Service::with(a_workspace(NORTH)).await;
    a_workspace("depot-south").create(&service.fixture).await;
    let wrong = |caller, method: &Method, path| {
        service
            .call(caller, method, path)
            .header("content-type", "text/plain")
            .header("if-match", "nonsense")
            .body(too_much())
            .send()
    };

    wrong(Caller::Nobody, &Method::TRACE, FOREIGN_POLICY)
        .await
        .problem(401, "unauthorized");
    // Whatever the route: a method that it does not have, and one that the person may not use.
    wrong(VIEWER, &Method::TRACE, FOREIGN_POLICY)
        .await
        .problem(404, "not-found");
    wrong(VIEWER, &Method::PUT, FOREIGN_POLICY)
        .await
        .problem(404, "not-found");
    wrong(VIEWER, &Method::PUT, POLICY)
        .await
        .problem(403, "forbidden");
    let refused = wrong(ADMIN, &Method::DELETE, POLICY).await;
    refused.problem(405, "method-not-allowed");
    let mut allowed: Vec<&str> = refused
        .header("allow")
        .expect("Allow")
        .split(',')
        .map(str::trim)
        .collect();
    allowed.sort_unstable();
    assert_eq!(allowed, ["GET", "HEAD", "PUT"]);
    wrong(ADMIN, &Method::PUT, POLICY)
        .await
        .problem(413, "payload-too-large");

    let typed = |caller, path, content_type, body: &'static str| {
        service
            .call(caller, &Method::PUT, path)
            .header("content-type", content_type)
            .body(body)
            .send()
    };
    typed(ADMIN, POLICY, "text/plain", "{")
        .await
        .problem(415, "unsupported-media-type");
    typed(ADMIN, POLICY, "application/json", "{")
        .await
        .problem(400, "validation");
    let unknown = "/workspaces/depot-west/policy";
    typed(SYSTEM_ADMIN, unknown, "application/json", "{")
        .await
        .problem(400, "validation");
    let good =
        r#"{"poll_interval_minutes":5,"stale_threshold_minutes":15,"no_data_grace_minutes":60}"#;
    typed(SYSTEM_ADMIN, unknown, "application/json", good)
        .await
        .problem(404, "not-found");
}

#[tokio::test]
async fn an_id_that_breaks_its_rule_is_told_after_who_is_asking() {
    let service = Service::start().await;
    for id in ["-north", "a%20b", "%ff", "a%00b", "%2e%2e%2f", "n%C3%B6rd"] {
        let path = format!("/workspaces/{id}/health");
        service
            .get(Caller::Nobody, &path)
            .await
            .problem(401, "unauthorized");
        service.get(VIEWER, &path).await.problem(404, "not-found");
        let answer = service.get(SYSTEM_ADMIN, &path).await;
        let body = answer.problem(400, "validation");
        assert!(body["errors"][0]["parameter"].is_string(), "{id}: {body}");
    }
}

#[tokio::test]
async fn an_unknown_route_is_no_secret() {
    let service = Service::start().await;
    for path in [
        "/",
        "/nope",
        "/api/telematics-mvp",
        "/workspaces/depot-north/nope",
        "/workspaces/depot-north/health/",
        "/workspaces/depot-north/devices/bus-1/x",
        "/dev/nope",
    ] {
        for caller in [Caller::Nobody, Caller::Forger, VIEWER] {
            service.get(caller, path).await.problem(404, "not-found");
        }
    }
}

#[tokio::test]
async fn a_method_that_a_resource_lacks_is_refused_with_those_it_has() {
    let (service, _) = Service::with(a_workspace(NORTH)).await;
    for (path, method, has) in [
        ("/livez", Method::POST, vec!["GET", "HEAD"]),
        ("/dev/token", Method::GET, vec!["POST"]),
        ("/poll-cycles", Method::GET, vec!["POST"]),
        ("/workspaces", Method::DELETE, vec!["GET", "HEAD"]),
        ("/workspaces/depot-north/ingest", Method::GET, vec!["POST"]),
        (
            "/workspaces/depot-north/cutover",
            Method::DELETE,
            vec!["GET", "HEAD", "PATCH", "PUT"],
        ),
        (
            "/workspaces/depot-north/devices/bus-1",
            Method::PATCH,
            vec!["DELETE", "GET", "HEAD", "PUT"],
        ),
        (
            "/workspaces/depot-north/health",
            Method::OPTIONS,
            vec!["GET", "HEAD"],
        ),
    ] {
        let refused = service.call(SYSTEM_ADMIN, &method, path).send().await;
        refused.problem(405, "method-not-allowed");
        let mut allowed: Vec<&str> = refused
            .header("allow")
            .expect("Allow")
            .split(',')
            .map(str::trim)
            .collect();
        allowed.sort_unstable();
        assert_eq!(allowed, has, "{method} {path}");
    }
    // Where no token is needed, none is needed to hear of it.
    for path in ["/livez", "/readyz", "/openapi.json", "/dev/jwks.json"] {
        let refused = service
            .call(Caller::Nobody, &Method::DELETE, path)
            .send()
            .await;
        refused.problem(405, "method-not-allowed");
    }
}

/// 404 and 409 come from data and before 412.
#[tokio::test]
async fn a_conflict_is_told_before_a_version_that_has_passed() {
    let workspace =
        a_workspace(NORTH).with_all([a_device("bus-1").silent_for(minutes(1)), a_device("bus-2")]);
    let (service, _) = Service::with(workspace).await;
    let cases = [
        (
            "PUT",
            "/workspaces/depot-north/devices/bus-1",
            json!({"vehicle_id": "v", "provider_id": "nope", "external_id": "x"}),
        ),
        (
            "PUT",
            "/workspaces/depot-north/devices/bus-1",
            json!({"vehicle_id": "v", "provider_id": "sim-main", "external_id": "bus-2-unit"}),
        ),
        (
            "PUT",
            "/workspaces/depot-north/provider-connections/sim-main",
            json!({"provider_type": "geotab", "base_url": "https://my.geotab.com"}),
        ),
        (
            "DELETE",
            "/workspaces/depot-north/provider-connections/sim-main",
            json!(null),
        ),
        (
            "PUT",
            "/workspaces/depot-north",
            json!({"name": "North", "active": true, "cutover": {"device_registry_source": "core", "poll_owner": "legacy", "read_owner": "core", "provider_mode": "mixed"}}),
        ),
    ];
    for (method, path, body) in cases {
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        let call = service
            .call(SYSTEM_ADMIN, &method, path)
            .header("if-match", "\"99\"");
        let answer = if body.is_null() {
            call.send().await
        } else {
            call.json(&body).await
        };
        answer.problem(409, "conflict");
    }
}

#[tokio::test]
async fn a_refusal_names_the_callers_trace() {
    let service = Service::start().await;
    let trace_id = "0af7651916cd43dd8448eb211c80319c";
    let answer = service
        .call(Caller::Nobody, &Method::GET, "/workspaces")
        .header("traceparent", format!("00-{trace_id}-b7ad6b7169203331-01"))
        .send()
        .await;
    assert_eq!(answer.problem(401, "unauthorized")["trace_id"], trace_id);
    let answer = service
        .call(Caller::Nobody, &Method::GET, "/workspaces")
        .header("traceparent", format!("00-{trace_id}-0000000000000000-01"))
        .send()
        .await;
    let fresh = answer.problem(401, "unauthorized");
    assert_ne!(fresh["trace_id"], trace_id);
    let another = service
        .get(Caller::Nobody, "/workspaces")
        .await
        .problem(401, "unauthorized");
    assert_ne!(fresh["trace_id"], another["trace_id"]);
}
