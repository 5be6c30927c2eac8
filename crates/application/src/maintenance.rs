//! What an instance does by itself, beside answering and polling.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::Core;
use crate::idempotency::remove_expired_keys;

/// How often an instance looks after the store.
const TICK: Duration = Duration::from_secs(15);

/// Keeps a week of partitions ahead and removes expired idempotency keys until `shutdown`. Safe on any number of instances.
pub async fn maintain(core: Core, shutdown: CancellationToken) {
    loop {
        if let Err(error) = core.store.ensure_partitions(core.clock.now()).await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "partitions could not be ensured"
            );
        }
        if let Err(error) = remove_expired_keys(&core).await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "expired idempotency keys could not be removed"
            );
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = core.clock.sleep(TICK) => {}
        }
    }
}
