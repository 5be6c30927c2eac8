//! A request's body as it arrives: within a time limit, and to the end also where it is refused.
//!
//! A server that answers and closes while the client still sends resets the connection, and the client
//! may never see the answer. So the rest of a refused body is read first, and thrown away.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, header};
use bytes::Bytes;
use clock::Deadline;
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt;
use tokio::sync::Notify;
use tokio::time::{Sleep, timeout};

/// Twice what any body may have; who sends more has to live with the reset.
const BYTES_AT_MOST: usize = 16 * 1024 * 1024;
const PATIENCE: Duration = Duration::from_secs(5);

/// The body was not there in time, however steadily it came.
#[derive(Debug, thiserror::Error)]
#[error("the body did not arrive in time")]
pub(crate) struct BodyTimeout;

/// A request's body, kept at hand while a handler reads it.
pub(crate) struct Unread {
    body: Lent,
    deadline: Deadline,
    arrived: Arc<Notify>,
    /// The client sends nothing until somebody reads.
    waits_to_be_asked: bool,
}

impl Unread {
    /// Lends the request its own body, which fails with [`BodyTimeout`] once `within` is over.
    pub(crate) fn of(request: Request, within: Duration) -> (Self, Request) {
        let (parts, body) = request.into_parts();
        let deadline = Deadline::after(within);
        let arrived = Arc::new(Notify::new());
        let arriving = Arriving {
            deadline: (!http_body::Body::is_end_stream(&body)).then(|| Box::pin(deadline.passed())),
            body,
            arrived: Arc::clone(&arrived),
        };
        arriving.tell_arrival();
        let unread = Self {
            body: Lent(Arc::new(Mutex::new(arriving))),
            deadline,
            arrived,
            waits_to_be_asked: expects_continue(&parts.headers),
        };
        let lent = Request::from_parts(parts, Body::new(unread.body.clone()));
        (unread, lent)
    }

    /// Returns when so much time has passed since the request was there whole, or should have been.
    pub(crate) async fn unanswered_for(&self, patience: Duration) {
        tokio::select! {
            () = self.arrived.notified() => {}
            // A body that nobody wants to read never arrives.
            () = self.deadline.passed() => {}
        }
        tokio::time::sleep(patience).await;
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
        let _ = timeout(PATIENCE, rest).await;
    }
}

fn expects_continue(headers: &HeaderMap) -> bool {
    headers
        .get(header::EXPECT)
        .is_some_and(|expected| expected.as_bytes().eq_ignore_ascii_case(b"100-continue"))
}

/// A body on its way.
struct Arriving {
    body: Body,
    /// None where there is nothing to wait for.
    deadline: Option<Pin<Box<Sleep>>>,
    arrived: Arc<Notify>,
}

impl Arriving {
    fn tell_arrival(&self) {
        if http_body::Body::is_end_stream(&self.body) {
            self.arrived.notify_one();
        }
    }

    fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        // Ahead of the body: one that always has a byte more would else never be late.
        if let Some(deadline) = &mut self.deadline
            && deadline.as_mut().poll(cx).is_ready()
        {
            return Poll::Ready(Some(Err(axum::Error::new(BodyTimeout))));
        }
        let frame = ready!(http_body::Body::poll_frame(Pin::new(&mut self.body), cx));
        match frame {
            Some(Ok(_)) => self.tell_arrival(),
            Some(Err(_)) | None => self.arrived.notify_one(),
        }
        Poll::Ready(frame)
    }
}

/// A body that two may read, one after the other.
#[derive(Clone)]
struct Lent(Arc<Mutex<Arriving>>);

impl Lent {
    fn with<T>(&self, look: impl FnOnce(&mut Arriving) -> T) -> T {
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
        self.with(|arriving| arriving.poll_frame(cx))
    }

    fn is_end_stream(&self) -> bool {
        self.with(|arriving| http_body::Body::is_end_stream(&arriving.body))
    }

    fn size_hint(&self) -> SizeHint {
        self.with(|arriving| http_body::Body::size_hint(&arriving.body))
    }
}
