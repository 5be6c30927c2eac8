//! Taking connections, as many at once as there are permits.

use std::io::{Error, ErrorKind};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How long nothing is accepted after the system could not give a socket: most often for want of file
/// descriptors, which the end of some connection frees.
const PAUSE: Duration = Duration::from_millis(500);

/// Where connections come from.
pub(super) struct Door {
    listener: TcpListener,
    permits: Arc<Semaphore>,
}

impl Door {
    pub(super) fn new(listener: TcpListener, connections: usize) -> Self {
        Self {
            listener,
            permits: Arc::new(Semaphore::new(connections)),
        }
    }

    /// The next connection, with its permit. Who comes when there is none waits in the system's queue:
    /// idle connections end soon, and an answer written to a client that is still sending may be lost.
    pub(super) async fn next(&self) -> (TcpStream, OwnedSemaphorePermit) {
        let permit = self.permit().await;
        loop {
            match self.listener.accept().await {
                Ok((stream, _)) => {
                    // Without it an answer may be late, and is no less right.
                    let _ = stream.set_nodelay(true);
                    return (stream, permit);
                }
                Err(error) if is_the_clients(&error) => {}
                Err(error) => {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "no connection could be accepted"
                    );
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    async fn permit(&self) -> OwnedSemaphorePermit {
        if let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() {
            return permit;
        }
        tracing::warn!("as many connections are open as may be: further ones wait");
        match Arc::clone(&self.permits).acquire_owned().await {
            Ok(permit) => permit,
            // Nobody closes the semaphore.
            Err(_) => std::future::pending().await,
        }
    }
}

/// A client that went away while it waited.
fn is_the_clients(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionRefused | ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset
    )
}
