//! Parameters and ids that break a rule: each named, never a 5xx.

use api::access::{Access, TABLE};
use reqwest::Method;
use testkit::{a_device, a_workspace, minutes};

use crate::service::{Answer, Caller, NORTH, SYSTEM_ADMIN, Service, VIEWER};

async fn service() -> Service {
    let workspace = a_workspace(NORTH)
        .with_all(["bus-1", "bus-2", "bus-3"].map(|id| a_device(id).silent_for(minutes(1))));
    Service::with(workspace).await.0
}

#[tokio::test]
async fn an_unknown_parameter_is_refused_on_every_route() {
    let service = service().await;
    for route in TABLE {
        let path = route
            .path
            .replace("{workspace_id}", NORTH)
            .replace("{device_id}", "bus-1")
            .replace("{vehicle_id}", "bus-1-vehicle")
            .replace("{provider_id}", "sim-main")
            .replace("{cycle_id}", "019a0000-0000-7000-8000-000000000000")
            .replace("{sweep_id}", "019a0000-0000-7000-8000-000000000000")
            .replace("{asset}", "start.js")
            .replace("{slug}", "validation");
        let caller = match route.access {
            Access::Scope(scope) => Caller::Machine(scope),
            _ => SYSTEM_ADMIN,
        };
        let call = service.call(caller, &route.method, &format!("{path}?nope=1"));
        let answer = call.said_json("{}").await;
        let problem = answer.problem(400, "validation");
        assert_eq!(
            problem["errors"][0]["parameter"], "nope",
            "{} {path}",
            route.method
        );
    }
}

#[tokio::test]
async fn a_parameter_that_is_repeated_or_unreadable_is_named() {
    let service = service().await;
    for (path, named) in [
        ("/workspaces?limit=0", "limit"),
        ("/workspaces?limit=1001", "limit"),
        ("/workspaces?limit=-1", "limit"),
        ("/workspaces?limit=1.5", "limit"),
        ("/workspaces?limit=+5", "limit"),
        ("/workspaces?limit=", "limit"),
        ("/workspaces?limit=99999999999999999999", "limit"),
        ("/workspaces?limit=1&limit=2", "limit"),
        ("/workspaces?limit=1&limit=1", "limit"),
        ("/workspaces?cursor=", "cursor"),
        ("/workspaces?cursor=abc", "cursor"),
        ("/workspaces?cursor=%00", "cursor"),
        ("/workspaces?cursor=%ff", "cursor"),
        ("/workspaces?cursor=e30", "cursor"),
        ("/workspaces/depot-north/devices?active=yes", "active"),
        ("/workspaces/depot-north/devices?active=", "active"),
        ("/workspaces/depot-north/health?state=sleepy", "state"),
        (
            "/workspaces/depot-north/health?state=stale&state=stale",
            "state",
        ),
        ("/workspaces/depot-north/health?reason=because", "reason"),
        (
            "/workspaces/depot-north/health?responsibility=nobody",
            "responsibility",
        ),
        ("/workspaces/depot-north/health?vehicle=-x", "vehicle"),
        ("/workspaces/depot-north/health?vehicle=%00", "vehicle"),
        ("/workspaces/depot-north/health?by=driver", "by"),
        ("/workspaces/depot-north/health?State=stale", "State"),
        ("/workspaces/depot-north/issues?state=sleepy", "state"),
        ("/workspaces/depot-north/issues?code=because", "code"),
        ("/workspaces/depot-north/issues?code=", "code"),
        ("/workspaces/depot-north/issues?reason=unknown", "reason"),
        ("/workspaces/depot-north/snapshots?signal=soc", "signal"),
        (
            "/workspaces/depot-north/snapshots?signal_state=old",
            "signal_state",
        ),
        (
            "/workspaces/depot-north/snapshots/bus-1?signal=soc",
            "signal",
        ),
        ("/workspaces/depot-north/snapshots/bus-1?limit=1", "limit"),
        ("/workspaces/depot-north/policy?limit=1", "limit"),
        (
            "/workspaces/depot-north/rejections?reason=no_new_reading",
            "reason",
        ),
        ("/workspaces/depot-north/rejections?device=-x", "device"),
        (
            "/workspaces/depot-north/rejections?provider=%00",
            "provider",
        ),
        (
            "/workspaces/depot-north/unknown-devices?reason=unknown_device",
            "reason",
        ),
        (
            "/workspaces/depot-north/unknown-devices?provider=",
            "provider",
        ),
    ] {
        let answer = service.get(SYSTEM_ADMIN, path).await;
        answer.names(&[named]);
    }
    let several = service
        .get(
            SYSTEM_ADMIN,
            "/workspaces/depot-north/health?state=x&by=y&nope=z",
        )
        .await;
    several.names(&["state", "by", "nope"]);
}

#[tokio::test]
async fn an_id_that_breaks_its_rule_is_named() {
    let service = service().await;
    let long_workspace = "w".repeat(49);
    let long = "d".repeat(65);
    for (path, named) in [
        (format!("/workspaces/{long_workspace}"), "workspace_id"),
        ("/workspaces/a:b/health".to_owned(), "workspace_id"),
        (
            format!("/workspaces/depot-north/devices/{long}"),
            "device_id",
        ),
        (
            "/workspaces/depot-north/devices/.bus".to_owned(),
            "device_id",
        ),
        (
            "/workspaces/depot-north/devices/a%00".to_owned(),
            "device_id",
        ),
        (
            "/workspaces/depot-north/devices/a%2Fb".to_owned(),
            "device_id",
        ),
        (
            "/workspaces/depot-north/snapshots/b%C3%BCs".to_owned(),
            "device_id",
        ),
        (
            "/workspaces/depot-north/vehicles/-v/snapshot".to_owned(),
            "vehicle_id",
        ),
        (
            "/workspaces/depot-north/provider-connections/_p".to_owned(),
            "provider_id",
        ),
        (
            "/workspaces/depot-north/poll-cycles/7".to_owned(),
            "cycle_id",
        ),
        (
            "/workspaces/depot-north/poll-cycles/%00".to_owned(),
            "cycle_id",
        ),
        ("/reconciliation-sweeps/7".to_owned(), "sweep_id"),
    ] {
        service.get(SYSTEM_ADMIN, &path).await.names(&[named]);
    }
    let both = service.get(SYSTEM_ADMIN, "/workspaces/-w/devices/-d").await;
    both.names(&["workspace_id", "device_id"]);
    // As long as the rule allows, and not there.
    let path = format!("/workspaces/depot-north/devices/{}:1", "d".repeat(62));
    service
        .get(SYSTEM_ADMIN, &path)
        .await
        .problem(404, "not-found");
}

async fn first_page(service: &Service, path: &str) -> String {
    let page = service.get(VIEWER, path).await.of(200);
    page["next_cursor"]
        .as_str()
        .expect("a next page")
        .to_owned()
}

#[tokio::test]
async fn a_cursor_is_good_for_its_own_list_and_filter_only() {
    let service = service().await;
    let devices = "/workspaces/depot-north/devices?limit=1";
    let cursor = first_page(&service, devices).await;
    for path in [
        "/workspaces/depot-north/snapshots?limit=1",
        "/workspaces/depot-north/health?limit=1",
        "/workspaces/depot-north/poll-cycles?limit=1",
        "/workspaces/depot-north/devices?limit=1&active=true",
        "/workspaces?limit=1",
        "/workspaces/depot-north/cutover/history?limit=1",
    ] {
        let answer = service
            .get(SYSTEM_ADMIN, &format!("{path}&cursor={cursor}"))
            .await;
        answer.names(&["cursor"]);
    }
    // Another limit is the same list, and so are the same parameters in another order.
    let page = service
        .get(
            VIEWER,
            &format!("/workspaces/depot-north/devices?cursor={cursor}&limit=2"),
        )
        .await;
    assert_eq!(page.of(200)["devices"].as_array().map(Vec::len), Some(2));
}

/// Whatever is done to a cursor, the answer is a page or a 400.
#[tokio::test]
async fn a_cursor_that_was_tampered_with_breaks_nothing() {
    let service = service().await;
    for path in [
        "/workspaces/depot-north/devices",
        "/workspaces/depot-north/snapshots",
        "/workspaces/depot-north/health",
        "/workspaces/depot-north/issues",
        "/workspaces/depot-north/poll-cycles",
        "/workspaces/depot-north/cutover/history",
        "/workspaces/depot-north/provider-connections",
        "/workspaces/depot-north/rejections",
        "/workspaces/depot-north/unknown-devices",
        "/workspaces",
    ] {
        for (instant, after) in [
            ("2026-11-23T08:00:00Z", "a\\u0000b"),
            ("2026-11-23T08:00:00Z", ""),
            ("2026-11-23T08:00:00Z", "99999999999999999999"),
            ("2026-11-23T08:00:00Z", "{}"),
            ("2026-11-23T08:00:01Z", "bus-1"),
            ("-262143-01-01T00:00:00Z", "bus-1"),
            ("-4800-01-01T00:00:00Z", "bus-1"),
            ("0001-01-01T00:00:00Z", "bus-1"),
        ] {
            let forged = forge(path, instant, after);
            let answer = service
                .get(SYSTEM_ADMIN, &format!("{path}?cursor={forged}"))
                .await;
            assert!(
                [200, 400].contains(&answer.status),
                "{path} {instant} {after}: {}",
                answer.text()
            );
        }
        for tampered in tampered(&forge(path, "2026-11-23T08:00:00Z", "bus-1")) {
            let answer = service
                .get(SYSTEM_ADMIN, &format!("{path}?cursor={tampered}"))
                .await;
            assert!(
                [200, 400].contains(&answer.status),
                "{path} {tampered}: {}",
                answer.text()
            );
        }
    }
}

/// As the service makes them; that is nobody's business but its own, and this test's.
fn forge(path: &str, instant: &str, after: &str) -> String {
    let cursor = format!(
        r#"{{"l":"{}{path}?","t":"{instant}","a":"{after}"}}"#,
        crate::service::API
    );
    base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, cursor)
}

/// With one character in four, each in turn, replaced.
fn tampered(cursor: &str) -> impl Iterator<Item = String> {
    (0..cursor.len()).step_by(4).map(move |at| {
        let mut other = cursor.as_bytes().to_vec();
        other[at] = if other[at] == b'A' { b'B' } else { b'A' };
        String::from_utf8(other).expect("base64 is ASCII")
    })
}

#[track_caller]
fn is_refused(answer: &Answer) {
    answer.names(&["If-Match"]);
}

#[tokio::test]
async fn an_if_match_that_is_no_tag_is_named() {
    let service = service().await;
    for (method, path, body) in [
        (Method::PUT, "/workspaces/depot-north", "{}"),
        (Method::PUT, "/workspaces/depot-north/policy", "{}"),
        (Method::PUT, "/workspaces/depot-north/cutover", "{}"),
        (Method::PATCH, "/workspaces/depot-north/cutover", "{}"),
        (Method::PUT, "/workspaces/depot-north/devices/bus-1", "{}"),
        (Method::DELETE, "/workspaces/depot-north/devices/bus-1", ""),
        (
            Method::PUT,
            "/workspaces/depot-north/provider-connections/sim-main",
            "{}",
        ),
        (
            Method::DELETE,
            "/workspaces/depot-north/provider-connections/sim-main",
            "",
        ),
    ] {
        for tag in [
            &b"1"[..],
            b"",
            b"\"1",
            b"\"1\" \"2\"",
            b"\"\xff\"",
            b"\"1\",",
            b"\"1\", *",
        ] {
            let call = service
                .call(SYSTEM_ADMIN, &method, path)
                .header("if-match", tag);
            is_refused(&call.said_json(body).await);
        }
    }
    let device = service
        .get(VIEWER, "/workspaces/depot-north/devices/bus-1")
        .await;
    assert_eq!(device.of(200)["active"], true, "nothing was deleted");
}

#[tokio::test]
async fn nobody_learns_of_a_parameter_without_a_token() {
    let service = service().await;
    service
        .get(Caller::Nobody, "/workspaces?nope=1")
        .await
        .problem(401, "unauthorized");
}
