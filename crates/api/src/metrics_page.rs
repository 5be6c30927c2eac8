//! `GET /metrics`, on a listener of its own. Only the scraper inside the network reaches this listener, so it needs
//! no token.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::header;
use axum::routing::get;
use telemetry::metrics::Connections;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::server::{HttpLimits, serve_counted};

/// The media type of the page: the Prometheus text format, version 0.0.4.
const TEXT_FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";
/// The limits of the listener. They are low, because scrapers are few and read one page.
const LIMITS: HttpLimits = HttpLimits {
    connections: 32,
    head_within: Duration::from_secs(75),
    body_within: Duration::from_secs(5),
    answer_within: Duration::from_secs(5),
    unread_within: Duration::from_secs(10),
};
/// The longest time that shutdown waits for a scrape in progress.
const GRACE: Duration = Duration::from_secs(1);

/// Serves the page that `render` returns, until `shutdown`.
pub async fn serve_metrics(
    listener: TcpListener,
    render: impl Fn() -> String + Send + Sync + 'static,
    shutdown: CancellationToken,
) {
    let render = Arc::new(render);
    let page = move || {
        let render = Arc::clone(&render);
        async move { ([(header::CONTENT_TYPE, TEXT_FORMAT)], render()) }
    };
    let router = Router::new().route("/metrics", get(page));
    let open = Connections::uncounted();
    serve_counted(listener, router, LIMITS, open, shutdown, GRACE).await;
}
