//! The instance's metrics: kept in this process, served on a listener of their own.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context;
use persistence::Store;
use telemetry::metrics::{self, Exporter};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// How often what was recorded is sorted, whether anybody scrapes or not.
const UPKEEP: Duration = Duration::from_secs(5);

/// Metrics that are kept and not served yet.
pub struct Metrics {
    exporter: Exporter,
    listener: TcpListener,
}

impl Metrics {
    /// Keeps metrics from now on, to be served at `listen`; none where that is empty.
    ///
    /// # Errors
    /// A busy port.
    pub async fn keep(listen: &str) -> anyhow::Result<Option<Self>> {
        if listen.is_empty() {
            return Ok(None);
        }
        let listener = TcpListener::bind(listen)
            .await
            .with_context(|| format!("cannot listen on {listen}, which is METRICS_LISTEN"))?;
        let exporter = Exporter::install()?;
        metrics::build(env!("CARGO_PKG_VERSION"));
        Ok(Some(Self { exporter, listener }))
    }

    /// Where they will be served.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn address(&self) -> anyhow::Result<SocketAddr> {
        Ok(self.listener.local_addr()?)
    }

    /// Serves them until `shutdown`.
    pub async fn serve(self, store: Store, shutdown: CancellationToken) {
        let exporter = self.exporter.clone();
        let upkeep = async {
            loop {
                tokio::time::sleep(UPKEEP).await;
                exporter.keep_up();
            }
        };
        let render = move || {
            let pool = store.pool_use();
            metrics::database_pool(pool.idle, pool.used, pool.max);
            self.exporter.render()
        };
        tokio::select! {
            () = api::serve_metrics(self.listener, render, shutdown) => {}
            () = upkeep => {}
        }
    }
}
