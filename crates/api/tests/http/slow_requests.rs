//! Requests that take their time, on real sockets with short limits.

use std::time::Duration;

use api::HttpLimits;
use reqwest::Method;
use serde_json::{Value, json};
use testkit::{a_device, a_workspace};

use crate::service::{ADMIN, Caller, INGEST, NORTH, Service, VIEWER};
use crate::socket::Socket;

const SHORT: Duration = Duration::from_millis(300);
/// Much longer than a test may take: a limit that must not be what ends it.
const LONG: Duration = Duration::from_hours(1);
const LENIENT: HttpLimits = HttpLimits {
    connections: 100,
    head_within: LONG,
    body_within: LONG,
    answer_within: LONG,
    unread_within: LONG,
};

async fn service(limits: HttpLimits) -> Service {
    let service = Service::start_with(|state| state.http = limits).await;
    a_workspace(NORTH)
        .with(a_device("bus-1"))
        .create(&service.fixture)
        .await;
    service
}

fn head(service: &Service, caller: Caller, rest: &str) -> String {
    let token = service.token(caller).unwrap_or_default();
    format!(
        "POST /api/telematics-mvp/workspaces/depot-north/ingest HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\n{rest}\r\n"
    )
}

/// Of an answer as it came over the wire.
fn problem_of(answer: &str, status: u16, slug: &str) -> Value {
    assert!(
        answer.starts_with(&format!("HTTP/1.1 {status} ")),
        "{answer}"
    );
    let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
    let problem: Value = serde_json::from_str(body).expect("JSON");
    assert_eq!(problem["type"], format!("/problems/{slug}"));
    problem
}

#[tokio::test]
async fn a_client_that_says_nothing_or_half_a_head_is_let_go() {
    let service = service(HttpLimits {
        head_within: SHORT,
        ..LENIENT
    })
    .await;
    let silent = Socket::open(service.address).await;
    let mut half = Socket::open(service.address).await;
    assert!(
        half.send("GET /livez HTTP/1.1\r\nhost: x\r\nx-slow: ")
            .await
    );
    let dripping = Socket::open(service.address).await;
    assert_eq!(silent.hears_the_end().await, "");
    assert_eq!(half.hears_the_end().await, "");
    assert_eq!(dripping.drips_until_answered(SHORT / 10).await, "");
}

#[tokio::test]
async fn a_connection_that_is_idle_after_an_answer_is_let_go() {
    let service = service(HttpLimits {
        head_within: SHORT,
        ..LENIENT
    })
    .await;
    let mut idle = Socket::open(service.address).await;
    assert!(idle.send("GET /livez HTTP/1.1\r\nhost: x\r\n\r\n").await);
    idle.hears("\r\n\r\nok").await;
    assert_eq!(idle.hears_the_end().await, "");
}

#[tokio::test]
async fn a_body_that_drips_is_408_when_its_time_is_over() {
    let service = service(HttpLimits {
        body_within: SHORT,
        ..LENIENT
    })
    .await;
    for rest in [
        "content-length: 1000000\r\n",
        "transfer-encoding: chunked\r\n",
        "content-length: 1000000\r\ncontent-encoding: gzip\r\n",
    ] {
        let mut socket = Socket::open(service.address).await;
        let head = head(&service, INGEST, rest);
        assert!(socket.send(head).await);
        // A beginning that each of the three could have.
        let begin: &[u8] = match rest {
            "transfer-encoding: chunked\r\n" => b"fffff\r\n",
            _ if rest.contains("gzip") => b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff",
            _ => b"{",
        };
        assert!(socket.send(begin).await);
        let answer = if rest.contains("gzip") {
            // What drips is no gzip: here the client stops.
            socket.hears_the_end().await
        } else {
            socket.drips_until_answered(SHORT / 20).await
        };
        let problem = problem_of(&answer, 408, "request-timeout");
        assert_eq!(
            problem["detail"], "the body did not arrive in time",
            "{rest}"
        );
        assert!(
            answer.to_ascii_lowercase().contains("connection: close"),
            "{answer}"
        );
    }
}

/// Whoever is refused by the head alone is not waited for longer than anybody else.
#[tokio::test]
async fn a_refusal_does_not_wait_for_a_body_that_drips() {
    let service = service(HttpLimits {
        body_within: SHORT,
        ..LENIENT
    })
    .await;
    let mut socket = Socket::open(service.address).await;
    let head = head(&service, Caller::Forger, "content-length: 1000000\r\n");
    assert!(socket.send(head).await);
    let answer = socket.drips_until_answered(SHORT / 20).await;
    problem_of(&answer, 401, "unauthorized");
}

#[tokio::test]
async fn a_body_that_comes_in_pieces_but_in_time_is_read() {
    let service = service(LENIENT).await;
    let body = json!({"updates": [{"device_id": "bus-1", "observed_at": "2026-11-23T08:00:00Z", "signals": {"speed_kmh": 1}}]}).to_string();
    let mut socket = Socket::open(service.address).await;
    let head = head(
        &service,
        INGEST,
        &format!("content-length: {}\r\nconnection: close\r\n", body.len()),
    );
    assert!(socket.send(head).await);
    for piece in body.as_bytes().chunks(7) {
        assert!(socket.send(piece).await);
        tokio::task::yield_now().await;
    }
    let answer = socket.hears_the_end().await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(answer.contains("\"accepted\":1"), "{answer}");
}

/// A write that waits for a lock, as long as the test likes.
#[tokio::test]
async fn an_answer_that_takes_too_long_is_503_and_nothing_is_kept() {
    let service = service(HttpLimits {
        answer_within: SHORT,
        ..LENIENT
    })
    .await;
    let held = service.hold_workspaces().await;
    let policy = json!({"poll_interval_minutes": 10, "stale_threshold_minutes": 30, "no_data_grace_minutes": 45});
    let path = "/workspaces/depot-north/policy";
    let late = service.put(ADMIN, path, &policy).await;
    let problem = late.problem(503, "unavailable");
    assert_eq!(problem["detail"], "it was not done in time");
    assert!(late.header("retry-after").is_some());
    let late = service.get(VIEWER, path).await;
    late.problem(503, "unavailable");

    held.roll_back().await;
    // An instance with the usual limits, so that a slow machine does not fail the test.
    let patient = service.another_instance().await;
    let found = patient.get(VIEWER, path).await.of(200);
    assert_eq!(found["poll_interval_minutes"], 5);
    patient.put(ADMIN, path, &policy).await.of(200);
}

#[tokio::test]
async fn heads_that_are_too_large_are_431() {
    let service = service(LENIENT).await;
    let long = "x".repeat(40 * 1024);
    let many = "a: b\r\n".repeat(200);
    for head in [
        format!("GET /livez HTTP/1.1\r\nhost: x\r\nx-long: {long}\r\n\r\n"),
        format!("GET /livez?{long} HTTP/1.1\r\nhost: x\r\n\r\n"),
        format!("GET /livez HTTP/1.1\r\nhost: x\r\n{many}\r\n"),
    ] {
        let mut socket = Socket::open(service.address).await;
        socket.send(&head).await;
        let answer = socket.hears_the_end().await;
        assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    }
    let fits = service
        .call(Caller::Nobody, &Method::GET, "/livez")
        .header("x-long", "x".repeat(16 * 1024))
        .send()
        .await;
    assert_eq!(fits.status, 200);
}
