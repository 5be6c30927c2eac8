//! The loop that serves connections, and its graceful end.

use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulConnection, GracefulShutdown};
use hyper_util::service::TowerToHyperService;
use telemetry::metrics::Connections;
use tokio::net::{TcpListener, TcpStream};
use tokio_io_timeout::TimeoutWriter;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::HttpLimits;
use super::accept::LimitedListener;

/// The longest first line and headers of a request. A token has 8 KiB at most, and nothing else is long.
const MAX_HEAD_BYTES: usize = 32 * 1024;

/// Serves until `shutdown`. Then answers the requests that have arrived, for at most `grace`, and closes.
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

/// Serves like [`serve`], and counts open connections in `open`.
pub(crate) async fn serve_counted(
    listener: TcpListener,
    router: Router,
    limits: HttpLimits,
    open: Connections,
    shutdown: CancellationToken,
    grace: Duration,
) {
    let connections = GracefulShutdown::new();
    let tasks = TaskTracker::new();
    let cut_off = CancellationToken::new();
    let listener = LimitedListener::new(listener, limits.connections);
    loop {
        let (stream, permit) = tokio::select! {
            () = shutdown.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        let connection = connections.watch(serve_connection(stream, router.clone(), limits));
        let (open, cut_off) = (open.open(), cut_off.clone());
        tasks.spawn(async move {
            tokio::select! {
                ended = connection => log_error(ended),
                () = cut_off.cancelled() => {}
            }
            drop((permit, open));
        });
    }
    // No further client is accepted while the last requests are answered.
    drop(listener);
    tasks.close();
    if tokio::time::timeout(grace, connections.shutdown())
        .await
        .is_err()
    {
        cut_off.cancel();
    }
    tasks.wait().await;
}

/// Serves one connection within the limits. The future ends when the connection does.
fn serve_connection(
    stream: TcpStream,
    router: Router,
    limits: HttpLimits,
) -> impl GracefulConnection<Error = hyper::Error> {
    // A client that asks and never reads would otherwise hold its connection, and the answer's memory, for good.
    let mut stream = TimeoutWriter::new(stream);
    stream.set_timeout(Some(limits.unread_within));
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_within)
        .max_header_size(MAX_HEAD_BYTES)
        .serve_connection(
            TokioIo::new(Box::pin(stream)),
            TowerToHyperService::new(router),
        )
}

fn log_error(ended: Result<(), hyper::Error>) {
    if let Err(error) = ended {
        tracing::debug!(
            error = &error as &dyn std::error::Error,
            "a connection ended with an error"
        );
    }
}
