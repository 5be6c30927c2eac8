//! The loop, and one connection's life.

use std::pin::pin;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use telemetry::metrics::Connections;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::Service;

use super::HttpLimits;
use super::accept::Door;
use super::stall::Stalling;

/// Of a request's first line and headers: a token has 8 KiB at most, and nothing else is long.
const HEAD_BYTES: usize = 32 * 1024;

/// Serves until `shutdown`; then answers what has been asked, for at most `grace`, and closes.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: HttpLimits,
    shutdown: CancellationToken,
    grace: Duration,
) {
    let open = Connections::counted();
    serve_counted(listener, router, limits, open, shutdown, grace).await;
}

/// The same, with where its connections are counted.
pub(crate) async fn serve_counted(
    listener: TcpListener,
    router: Router,
    limits: HttpLimits,
    open: Connections,
    shutdown: CancellationToken,
    grace: Duration,
) {
    let connections = TaskTracker::new();
    let cut_off = CancellationToken::new();
    let door = Door::new(listener, limits.connections);
    loop {
        let (stream, permit) = tokio::select! {
            () = shutdown.cancelled() => break,
            next = door.next() => next,
        };
        let (router, shutdown, cut_off) = (router.clone(), shutdown.clone(), cut_off.clone());
        let open = open.open();
        connections.spawn(async move {
            tokio::select! {
                () = connection(stream, router, limits, shutdown) => {}
                () = cut_off.cancelled() => {}
            }
            drop((permit, open));
        });
    }
    // Nobody else is let in while the last ones are answered.
    drop(door);
    connections.close();
    if tokio::time::timeout(grace, connections.wait())
        .await
        .is_err()
    {
        cut_off.cancel();
        connections.wait().await;
    }
}

async fn connection(
    stream: TcpStream,
    router: Router,
    limits: HttpLimits,
    shutdown: CancellationToken,
) {
    let io = TokioIo::new(Stalling::new(stream, limits.unread_within));
    // A router is always ready: it has no layer that makes requests wait.
    let service = service_fn(|request: hyper::Request<hyper::body::Incoming>| {
        router.clone().call(request.map(Body::new))
    });
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.head_within)
            .max_header_size(HEAD_BYTES)
            .serve_connection(io, service)
    );
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = shutdown.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(
            error = &error as &dyn std::error::Error,
            "a connection broke off"
        );
    }
}
