//! The client of the test: a pool of kept-alive connections, and a connection of its own for raw bytes.

use std::io;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::HOST;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use super::attempt::{Attempt, Outcome, Raw};

/// How long the client waits for an answer, and how long a slow request may last.
const PATIENCE: Duration = Duration::from_secs(10);

/// The largest number of idle connections in the pool: further connections are closed after their request.
const IDLE_AT_MOST: usize = 32;

/// An HTTP connection to the service.
type SenderConnection = SendRequest<Full<Bytes>>;

/// A client of the service, with its pool of idle connections.
pub(crate) struct Sender {
    address: SocketAddr,
    idle: Mutex<Vec<SenderConnection>>,
}

impl Sender {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self {
            address,
            idle: Mutex::default(),
        }
    }

    /// Makes an attempt and returns its outcome.
    pub(crate) async fn attempt(&self, attempt: Attempt) -> Outcome {
        let outcome = async {
            match attempt {
                Attempt::Request(request) => self.send_request(request).await,
                Attempt::Raw(raw) => self.send_raw(raw).await,
            }
        };
        match timeout(PATIENCE, outcome).await {
            Ok(outcome) => outcome.unwrap_or(Outcome::Closed),
            Err(_) => Outcome::GaveUp,
        }
    }

    async fn send_request(&self, mut request: Request<Full<Bytes>>) -> anyhow::Result<Outcome> {
        let host = self.address.to_string().parse()?;
        request.headers_mut().insert(HOST, host);
        // The service may close an idle connection just as it is used; the request is then retried on a new
        // connection, as every client does.
        if let Some(connection) = self.take_idle()
            && let Ok(outcome) = self.send_on(connection, request.clone()).await
        {
            return Ok(outcome);
        }
        let stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        let (connection, driver) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(driver);
        self.send_on(connection, request).await
    }

    /// Sends a request on a connection, which returns to the pool.
    async fn send_on(
        &self,
        mut connection: SenderConnection,
        request: Request<Full<Bytes>>,
    ) -> anyhow::Result<Outcome> {
        connection.ready().await?;
        let answer = connection.send_request(request).await?;
        let status = answer.status().as_u16();
        answer.into_body().collect().await?;
        let mut idle = self.idle();
        if idle.len() < IDLE_AT_MOST {
            idle.push(connection);
        }
        Ok(Outcome::Status(status))
    }

    async fn send_raw(&self, raw: Raw) -> anyhow::Result<Outcome> {
        let mut stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        if raw.aborts {
            stream.write_all(&raw.bytes).await?;
            return Ok(Outcome::Left);
        }
        let (mut reading, mut writing) = stream.split();
        let write = async {
            match raw.pause {
                None => writing.write_all(&raw.bytes).await?,
                Some(pause) => {
                    for byte in raw.bytes.chunks(1) {
                        writing.write_all(byte).await?;
                        sleep(pause).await;
                    }
                }
            }
            io::Result::Ok(())
        };
        let read = async {
            let mut start = [0; 12];
            reading.read_exact(&mut start).await?;
            io::Result::Ok(start)
        };
        // The service may answer and close before all bytes are sent, so an error of the write is ignored.
        let (_, start) = tokio::join!(write, read);
        let start = String::from_utf8_lossy(&start?).into_owned();
        let status = start.rsplit(' ').next().unwrap_or_default().parse()?;
        Ok(Outcome::Status(status))
    }

    fn take_idle(&self) -> Option<SenderConnection> {
        let mut idle = self.idle();
        idle.retain(|connection| !connection.is_closed());
        idle.pop()
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<SenderConnection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
