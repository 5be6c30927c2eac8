//! A kept-alive HTTP/1.1 connection to the service.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long to wait for an answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// A connection, with the token that its requests carry.
pub(crate) struct HttpConnection {
    sender: SendRequest<Full<Bytes>>,
    host: HeaderValue,
    authorization: HeaderValue,
}

impl HttpConnection {
    /// Opens a connection.
    ///
    /// # Errors
    /// If no program listens on the address.
    pub(crate) async fn open(address: SocketAddr, token: &str) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        // The task ends when `sender` is dropped; `sender` also returns the connection's errors.
        tokio::spawn(connection);
        Ok(Self {
            sender,
            host: HeaderValue::from_str(&address.to_string())?,
            authorization: HeaderValue::from_str(&format!("Bearer {token}"))?,
        })
    }

    /// Sends a request and reads the whole answer.
    ///
    /// # Errors
    /// If the connection breaks, or no answer comes in time.
    pub(crate) async fn send(
        &mut self,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> anyhow::Result<(StatusCode, Bytes)> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        self.exchange(request, path).await
    }

    /// Reads a resource; returns the body and the latency.
    ///
    /// # Errors
    /// If the answer is not 200, or does not come in time.
    pub(crate) async fn get(&mut self, path: &str) -> anyhow::Result<(Bytes, Duration)> {
        let since = Instant::now();
        let (status, body) = self.send(Method::GET, path, Bytes::new()).await?;
        let latency = since.elapsed();
        ensure!(
            status == StatusCode::OK,
            "GET {path} was answered {status}: {}",
            excerpt(&body)
        );
        Ok((body, latency))
    }

    /// Reads a resource in a media type other than JSON.
    ///
    /// # Errors
    /// If the connection breaks, or no answer comes in time.
    pub(crate) async fn get_as(
        &mut self,
        media_type: &'static str,
        path: &str,
    ) -> anyhow::Result<(StatusCode, Bytes)> {
        let mut request = Request::new(Full::default());
        let accept = HeaderValue::from_static(media_type);
        request.headers_mut().insert(ACCEPT, accept);
        self.exchange(request, path).await
    }

    async fn exchange(
        &mut self,
        mut request: Request<Full<Bytes>>,
        path: &str,
    ) -> anyhow::Result<(StatusCode, Bytes)> {
        *request.uri_mut() = path.parse()?;
        let headers = request.headers_mut();
        headers.insert(HOST, self.host.clone());
        headers.insert(AUTHORIZATION, self.authorization.clone());
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let answer = async {
            self.sender.ready().await?;
            let answer = self.sender.send_request(request).await?;
            let status = answer.status();
            Ok::<_, hyper::Error>((status, answer.into_body().collect().await?.to_bytes()))
        };
        let answer = timeout(PATIENCE, answer).await;
        Ok(answer.with_context(|| format!("no answer from {path}"))??)
    }

    /// Writes a resource.
    ///
    /// # Errors
    /// If the request is refused; the error holds the start of the answer.
    pub(crate) async fn put(&mut self, path: &str, body: String) -> anyhow::Result<()> {
        let (status, answer) = self.send(Method::PUT, path, body.into()).await?;
        ensure!(
            status.is_success(),
            "PUT {path} was answered {status}: {}",
            excerpt(&answer)
        );
        Ok(())
    }
}

/// Returns the start of an answer, for an error message.
pub(crate) fn excerpt(answer: &[u8]) -> String {
    String::from_utf8_lossy(&answer[..answer.len().min(400)]).into_owned()
}
