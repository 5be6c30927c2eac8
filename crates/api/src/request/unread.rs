//! What a refusal left unread of a request.
//!
//! A server that answers and closes while the client still sends resets the connection, and the client
//! may never see the answer. So the rest of a refused body is read first, and thrown away.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, header};
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt;

/// Twice what any body may have; who sends more has to live with the reset.
const BYTES_AT_MOST: usize = 16 * 1024 * 1024;
const PATIENCE: Duration = Duration::from_secs(5);

/// A request's body, kept at hand while a handler reads it.
pub(crate) struct Unread {
    body: Lent,
    /// The client sends nothing until somebody reads.
    waits_to_be_asked: bool,
}

impl Unread {
    /// Lends the request its own body.
    pub(crate) fn of(request: Request) -> (Self, Request) {
        let (parts, body) = request.into_parts();
        let waits_to_be_asked = expects_continue(&parts.headers);
        let body = Lent(Arc::new(Mutex::new(body)));
        let lent = Request::from_parts(parts, Body::new(body.clone()));
        (
            Self {
                body,
                waits_to_be_asked,
            },
            lent,
        )
    }

    /// Reads to the end what is left, within limits of bytes and time.
    pub(crate) async fn throw_away(mut self) {
        if self.waits_to_be_asked {
            return;
        }
        let rest = async {
            let mut read = 0;
            while let Some(Ok(frame)) = self.body.frame().await {
                read += frame.data_ref().map_or(0, Bytes::len);
                if read > BYTES_AT_MOST {
                    break;
                }
            }
        };
        // In time or not: the answer goes out now.
        let _ = tokio::time::timeout(PATIENCE, rest).await;
    }
}

fn expects_continue(headers: &HeaderMap) -> bool {
    headers
        .get(header::EXPECT)
        .is_some_and(|expected| expected.as_bytes().eq_ignore_ascii_case(b"100-continue"))
}

/// A body that two may read, one after the other.
#[derive(Clone)]
struct Lent(Arc<Mutex<Body>>);

impl Lent {
    fn with<T>(&self, look: impl FnOnce(&mut Body) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl http_body::Body for Lent {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.with(|body| http_body::Body::poll_frame(Pin::new(body), cx))
    }

    fn is_end_stream(&self) -> bool {
        self.with(|body| http_body::Body::is_end_stream(body))
    }

    fn size_hint(&self) -> SizeHint {
        self.with(|body| http_body::Body::size_hint(body))
    }
}
