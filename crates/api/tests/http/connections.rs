//! How many connections an instance serves, and how it lets them go.

use std::sync::Arc;
use std::time::Duration;

use api::HttpLimits;
use serde_json::json;
use testkit::{a_workspace, eventually};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::service::{ADMIN, Caller, NORTH, Service, VIEWER};
use crate::socket::Socket;

const LIVEZ: &str = "GET /livez HTTP/1.1\r\nhost: x\r\n\r\n";

async fn with_connections(connections: usize) -> Service {
    Service::start_with(|state| {
        state.http = HttpLimits {
            connections,
            ..HttpLimits::default()
        };
    })
    .await
}

#[tokio::test]
async fn one_too_many_is_served_when_another_has_gone() {
    let service = with_connections(2).await;
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut socket = Socket::open(service.address).await;
        assert!(socket.send(LIVEZ).await);
        socket.hears("\r\n\r\nok").await;
        held.push(socket);
    }
    // The system has it; nobody has looked at it yet.
    let mut third = Socket::open(service.address).await;
    assert!(third.send(LIVEZ).await);
    for _ in 0..50 {
        assert!(held[0].send(LIVEZ).await);
        held[0].hears("\r\n\r\nok").await;
    }
    assert!(third.has_heard_nothing());
    held.pop();
    third.hears("\r\n\r\nok").await;
}

#[tokio::test]
async fn a_client_that_does_not_read_is_let_go() {
    let service = Service::start_with(|state| {
        state.http = HttpLimits {
            unread_within: Duration::from_millis(300),
            ..HttpLimits::default()
        };
    })
    .await;
    let mut greedy = Socket::open(service.address).await;
    // More answers than the system keeps for a client; each is some 50 KB.
    let request = "GET /openapi.json HTTP/1.1\r\nhost: x\r\n\r\n".repeat(100);
    let mut batches = 0;
    while greedy.send(&request).await {
        batches += 1;
        assert!(batches < 100_000, "it takes whatever is asked");
    }
}

#[tokio::test]
async fn asked_to_stop_it_answers_what_it_was_asked_and_closes_the_rest() {
    let service = with_connections(10).await;
    a_workspace(NORTH).create(&service.fixture).await;
    let mut idle = Socket::open(service.address).await;
    assert!(idle.send(LIVEZ).await);
    idle.hears("\r\n\r\nok").await;

    let held = service.hold_workspaces().await;
    let policy = json!({"poll_interval_minutes": 10, "stale_threshold_minutes": 30, "no_data_grace_minutes": 45});
    let put = service.put(ADMIN, "/workspaces/depot-north/policy", &policy);
    let stop = async {
        eventually("a write that waits", async || {
            service.fixture.database.sessions_waiting().await > 0
        })
        .await;
        service.shutdown.cancel();
        assert_eq!(idle.hears_the_end().await, "");
        eventually("nobody is let in", async || {
            TcpStream::connect(service.address).await.is_err()
        })
        .await;
        assert!(!service.serving.is_finished());
        held.roll_back().await;
    };
    let (answer, ()) = tokio::join!(put, stop);
    answer.of(200);
    eventually("its end", async || service.serving.is_finished()).await;
}

#[tokio::test]
async fn what_is_not_done_when_the_grace_is_over_is_cut_off() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("its address");
    let asked = Arc::new(Notify::new());
    let tell = Arc::clone(&asked);
    let never = axum::routing::get(move || async move {
        tell.notify_one();
        std::future::pending::<()>().await;
    });
    let router = axum::Router::new().route("/", never);
    let shutdown = CancellationToken::new();
    let grace = Duration::from_millis(50);
    let serving = api::serve(
        listener,
        router,
        HttpLimits::default(),
        shutdown.clone(),
        grace,
    );
    let client = async {
        let mut socket = Socket::open(address).await;
        assert!(socket.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n").await);
        asked.notified().await;
        shutdown.cancel();
        assert_eq!(socket.hears_the_end().await, "");
    };
    tokio::join!(serving, client);
}

/// Nothing that an instance does depends on who connects next.
#[tokio::test]
async fn connections_that_come_and_go_leave_nothing_behind() {
    let service = with_connections(4).await;
    for _ in 0..200 {
        drop(Socket::open(service.address).await);
    }
    assert_eq!(service.get(Caller::Nobody, "/livez").await.status, 200);
    service
        .get(VIEWER, "/workspaces/depot-north/health")
        .await
        .problem(404, "not-found");
}
