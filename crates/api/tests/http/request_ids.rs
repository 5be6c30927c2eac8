//! By which names a request is found again.

use reqwest::Method;
use testkit::a_workspace;

use crate::service::{Caller, NORTH, Service, VIEWER};

const HEALTH: &str = "/workspaces/depot-north/health";

#[tokio::test]
async fn every_answer_has_both_whatever_it_is() {
    let service = Service::start().await;
    a_workspace(NORTH).create(&service.fixture).await;
    let asked = [
        (Caller::Nobody, "/livez", 200),
        (Caller::Nobody, "/openapi.json", 200),
        (VIEWER, HEALTH, 200),
        (Caller::Nobody, HEALTH, 401),
        (VIEWER, "/workspaces/depot-south/health", 404),
        (Caller::Nobody, "/nowhere", 404),
        (VIEWER, "/workspaces", 403),
        (VIEWER, "/workspaces/depot-north/health?nope=1", 400),
    ];
    for (caller, path, status) in asked {
        let brought = service
            .call(caller, &Method::GET, path)
            .header("x-request-id", "Root=1-67891233-abc")
            .header(
                "traceparent",
                "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            )
            .send()
            .await;
        assert_eq!(brought.status, status, "{path}");
        assert_eq!(
            brought.header("x-request-id"),
            Some("Root=1-67891233-abc"),
            "{path}"
        );
        assert_eq!(
            brought.header("x-trace-id"),
            Some("0af7651916cd43dd8448eb211c80319c"),
            "{path}"
        );

        let minted = service.get(caller, path).await;
        let id = minted.header("x-request-id").expect("a request id");
        let trace_id = minted.header("x-trace-id").expect("a trace id");
        assert_eq!(id.replace('-', ""), trace_id, "{path}: minted together");
        assert_eq!(id.as_bytes()[14], b'7', "{path}: {id} is a UUIDv7");
    }
}

#[tokio::test]
async fn one_that_is_not_sane_is_replaced() {
    let service = Service::start().await;
    for brought in [&b"a b"[..], b"b\xc3\xbcs", b"", &[b'x'; 129], b"a\tb"] {
        let call = service.call(Caller::Nobody, &Method::GET, "/livez");
        let answer = call.header("x-request-id", brought).send().await;
        let id = answer.header("x-request-id").expect("a request id");
        assert_eq!(id.len(), 36, "{brought:?}: {id}");
    }
}
