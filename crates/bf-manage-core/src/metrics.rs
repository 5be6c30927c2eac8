//! The metrics of an instance, which are collected in this process and served on a listener of their own.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context;
use persistence::Store;
use telemetry::metrics::{self, Exporter};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// How often recorded values are sorted into their buckets, whether anybody scrapes or not.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(5);

/// Metrics that are collected and not served yet.
pub struct Metrics {
    exporter: Exporter,
    listener: TcpListener,
}

impl Metrics {
    /// Binds the address `listen` and starts collecting metrics. Returns `None`, and collects nothing, if `listen`
    /// is empty.
    ///
    /// # Errors
    /// When the port is busy.
    pub async fn bind(listen: &str) -> anyhow::Result<Option<Self>> {
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

    /// The address at which the metrics will be served.
    ///
    /// # Errors
    /// When the operating system does not return the address.
    pub fn address(&self) -> anyhow::Result<SocketAddr> {
        Ok(self.listener.local_addr()?)
    }

    /// Serves the metrics until `shutdown`.
    pub async fn serve(self, store: Store, shutdown: CancellationToken) {
        let exporter = self.exporter.clone();
        let upkeep = async {
            loop {
                tokio::time::sleep(UPKEEP_INTERVAL).await;
                exporter.run_upkeep();
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
