//! What an instance does by itself, beside answering and polling.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::Core;

/// How often an instance looks after the store.
const TICK: Duration = Duration::from_secs(15);

/// Keeps a week of partitions ahead until `shutdown`. Safe on any number of instances.
pub async fn maintain(core: Core, shutdown: CancellationToken) {
    loop {
        if let Err(error) = core.store.ensure_partitions(core.clock.now()).await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "partitions could not be ensured"
            );
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = core.clock.sleep(TICK) => {}
        }
    }
}
