//! What every answer tells a browser.

use api::access::TABLE;
use reqwest::Method;
use testkit::{a_device, a_workspace};

use crate::service::{Answer, Caller, NORTH, SYSTEM_ADMIN, Service};
use crate::socket::Socket;

const EXPECTED: [(&str, &str); 6] = [
    ("x-content-type-options", "nosniff"),
    ("cache-control", "no-store"),
    ("referrer-policy", "no-referrer"),
    (
        "content-security-policy",
        "default-src 'none'; frame-ancestors 'none'",
    ),
    ("x-frame-options", "DENY"),
    ("cross-origin-resource-policy", "same-origin"),
];

/// Pages for people have policies of their own: what they load comes from here.
#[track_caller]
fn is_closed_to_browsers(answer: &Answer, what: &str) {
    let is_page = answer
        .header("content-type")
        .is_some_and(|kind| kind.starts_with("text/html"));
    for (name, value) in EXPECTED {
        if is_page && name == "content-security-policy" {
            let policy = answer.header(name).unwrap_or_default();
            let strict = policy.starts_with("default-src 'none'; ")
                && policy.ends_with("frame-ancestors 'none'")
                && !policy.contains("http")
                && !policy.contains('*');
            assert!(strict, "{what}: {policy}");
        } else {
            assert_eq!(answer.header(name), Some(value), "{what}: {name}");
        }
    }
    assert_eq!(answer.header("strict-transport-security"), None, "{what}");
    let lets_in = answer
        .headers
        .keys()
        .find(|name| name.as_str().starts_with("access-control-"));
    assert_eq!(lets_in, None, "{what}");
}

#[tokio::test]
async fn every_route_has_them_refused_or_not() {
    let (service, _) = Service::with(a_workspace(NORTH).with(a_device("bus-1"))).await;
    for route in TABLE {
        let path = route
            .path
            .replace("{workspace_id}", NORTH)
            .replace("{device_id}", "bus-1")
            .replace("{vehicle_id}", "bus-1")
            .replace("{provider_id}", "sim-main")
            .replace("{cycle_id}", "019ab000-0000-7000-8000-000000000000");
        for caller in [SYSTEM_ADMIN, Caller::Nobody] {
            for method in [&route.method, &Method::OPTIONS, &Method::HEAD] {
                let call = service
                    .call(caller, method, &path)
                    .header("origin", "https://evil.example")
                    .header("access-control-request-method", "PUT");
                let answer = call.send().await;
                is_closed_to_browsers(&answer, &format!("{method} {path} by {caller:?}"));
                assert!(
                    *method != Method::OPTIONS || answer.status >= 400,
                    "{path} answers OPTIONS with {}",
                    answer.status
                );
            }
        }
    }
    let nowhere = service.get(Caller::Nobody, "/nowhere").await;
    is_closed_to_browsers(&nowhere, "no route");
}

#[tokio::test]
async fn in_production_browsers_come_by_https_only() {
    let service = Service::start_with(|state| state.strict_transport = true).await;
    for path in ["/livez", "/nowhere", "/workspaces"] {
        let answer = service.get(Caller::Nobody, path).await;
        assert_eq!(
            answer.header("strict-transport-security"),
            Some("max-age=31536000"),
            "{path}"
        );
    }
}

/// A cache must not give the packed answer to a client that cannot unpack it.
#[tokio::test]
async fn an_answer_that_could_be_packed_says_so() {
    let service = Service::start().await;
    for (accepted, packed) in [("gzip", true), ("identity", false), ("br", false)] {
        // Over a bare socket: the tests' client unpacks, and takes the header away.
        let mut socket = Socket::open(service.address).await;
        let request = format!(
            "GET /openapi.json HTTP/1.1\r\nhost: x\r\naccept-encoding: {accepted}\r\nconnection: close\r\n\r\n"
        );
        assert!(socket.send(request).await);
        let answer = socket.hears_the_end().await;
        let (head, _) = answer.split_once("\r\n\r\n").expect("a head");
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
        assert!(head.contains("vary: accept-encoding"), "{accepted}: {head}");
        assert_eq!(
            head.contains("content-encoding: gzip"),
            packed,
            "{accepted}: {head}"
        );
    }
}
