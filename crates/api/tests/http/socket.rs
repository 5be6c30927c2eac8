//! A client that speaks HTTP as badly as a story needs.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Only a failure waits this long.
const PATIENCE: Duration = Duration::from_secs(20);

/// A connection whose bytes are the story's.
pub struct Socket(TcpStream);

impl Socket {
    pub async fn open(address: SocketAddr) -> Self {
        Self(TcpStream::connect(address).await.expect("a connection"))
    }

    /// Sends bytes; `false` once the other side has closed.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        let sent = timeout(PATIENCE, self.0.write_all(bytes.as_ref())).await;
        sent.expect("room for what is sent").is_ok()
    }

    /// Reads until these words have come, and answers all that has.
    pub async fn hears(&mut self, words: &str) -> String {
        let mut heard = Vec::new();
        while !String::from_utf8_lossy(&heard).contains(words) {
            let more = timeout(PATIENCE, self.0.read_buf(&mut heard)).await;
            let more = more.unwrap_or_else(|_| panic!("no {words:?} in {:?}", text(&heard)));
            assert_ne!(
                more.expect("a connection"),
                0,
                "closed after {:?}",
                text(&heard)
            );
        }
        text(&heard)
    }

    /// Whether nothing has come yet.
    pub fn has_heard_nothing(&self) -> bool {
        let nothing = self.0.try_read(&mut [0]);
        nothing.is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
    }

    /// Reads until the other side closes, and answers all that has come.
    pub async fn hears_the_end(mut self) -> String {
        let mut heard = Vec::new();
        let closed = timeout(PATIENCE, self.0.read_to_end(&mut heard)).await;
        // A reset is an end as well.
        drop(closed.expect("an end of the connection"));
        text(&heard)
    }

    /// Sends a byte at a time, with a pause after each, until it is told something; answers that.
    pub async fn drips_until_answered(mut self, pause: Duration) -> String {
        let (mut read, mut write) = self.0.split();
        let dripping = async {
            loop {
                tokio::time::sleep(pause).await;
                if write.write_all(b" ").await.is_err() {
                    std::future::pending::<()>().await;
                }
            }
        };
        let mut heard = Vec::new();
        tokio::select! {
            () = dripping => {}
            read = timeout(PATIENCE, read.read_to_end(&mut heard)) => {
                drop(read.expect("an answer, and an end of the connection"));
            }
        }
        text(&heard)
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
