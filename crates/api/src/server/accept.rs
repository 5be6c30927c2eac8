//! Accepting connections, as many at once as the limit allows.

use std::io::{Error, ErrorKind};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The pause after the system could not give a socket. The usual cause is a lack of file descriptors, and the end
/// of any connection frees one.
const PAUSE_AFTER_ERROR: Duration = Duration::from_millis(500);

/// A listener that accepts a connection only if it has a permit for it.
pub(super) struct LimitedListener {
    listener: TcpListener,
    permits: Arc<Semaphore>,
}

impl LimitedListener {
    pub(super) fn new(listener: TcpListener, connections: usize) -> Self {
        Self {
            listener,
            permits: Arc::new(Semaphore::new(connections)),
        }
    }

    /// Accepts the next connection and returns it with its permit. While there is no permit, clients wait in the
    /// system's queue. They are not refused: idle connections end soon, and a client that is still sending may
    /// never read a refusal.
    pub(super) async fn accept(&self) -> (TcpStream, OwnedSemaphorePermit) {
        let permit = self.acquire_permit().await;
        loop {
            match self.listener.accept().await {
                Ok((stream, _)) => {
                    // If the option cannot be set, answers may be late but are still right.
                    let _ = stream.set_nodelay(true);
                    return (stream, permit);
                }
                Err(error) if is_client_error(&error) => {}
                Err(error) => {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "no connection could be accepted"
                    );
                    tokio::time::sleep(PAUSE_AFTER_ERROR).await;
                }
            }
        }
    }

    async fn acquire_permit(&self) -> OwnedSemaphorePermit {
        if let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() {
            return permit;
        }
        tracing::warn!("all HTTP_CONNECTIONS are open: further clients wait");
        match Arc::clone(&self.permits).acquire_owned().await {
            Ok(permit) => permit,
            // Nobody closes the semaphore.
            Err(_) => std::future::pending().await,
        }
    }
}

/// Whether the error only says that a client disconnected while it waited.
fn is_client_error(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionRefused | ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset
    )
}
