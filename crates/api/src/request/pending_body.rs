//! The body of a request while it arrives: it has a time limit, and is read to its end even if the request is
//! refused.
//!
//! A server that answers and closes the connection while the client still sends resets the connection, and the
//! client may never see the answer. So the rest of a refused body is read first and thrown away.

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

/// The largest number of bytes that are drained, twice the largest body that any endpoint accepts. A client that
/// sends more may see a reset connection.
const MAX_DRAINED_BYTES: usize = 16 * 1024 * 1024;

/// The longest time that a body is drained.
const MAX_DRAIN_TIME: Duration = Duration::from_secs(5);

/// The error of a body that did not arrive whole within its time limit.
#[derive(Debug, thiserror::Error)]
#[error("the body did not arrive in time")]
pub(crate) struct BodyTimeout;

/// The body of a request, which the edge keeps a hold of while a handler reads it.
pub(crate) struct PendingBody {
    body: SharedBody,
    deadline: Deadline,
    arrived: Arc<Notify>,
    /// Whether the client sends the body only after a `100 Continue`, which the first read triggers.
    waits_to_be_asked: bool,
}

impl PendingBody {
    /// Gives the request a shared handle of its body, which fails with [`BodyTimeout`] once `within` has passed.
    pub(crate) fn lend(request: Request, within: Duration) -> (Self, Request) {
        let (parts, body) = request.into_parts();
        let deadline = Deadline::after(within);
        let arrived = Arc::new(Notify::new());
        let timed_body = TimedBody {
            deadline: (!http_body::Body::is_end_stream(&body)).then(|| Box::pin(deadline.passed())),
            body,
            arrived: Arc::clone(&arrived),
        };
        timed_body.notify_if_arrived();
        let pending_body = Self {
            body: SharedBody(Arc::new(Mutex::new(timed_body))),
            deadline,
            arrived,
            waits_to_be_asked: expects_continue(&parts.headers),
        };
        let lent = Request::from_parts(parts, Body::new(pending_body.body.clone()));
        (pending_body, lent)
    }

    /// Waits until `patience` has passed since the request arrived whole, or since its time limit passed.
    pub(crate) async fn wait_after_arrival(&self, patience: Duration) {
        tokio::select! {
            () = self.arrived.notified() => {}
            // Needed as well: a body that no handler reads never arrives.
            () = self.deadline.passed() => {}
        }
        tokio::time::sleep(patience).await;
    }

    /// Reads the rest of the body and throws it away, within [`MAX_DRAINED_BYTES`] and [`MAX_DRAIN_TIME`].
    pub(crate) async fn drain(mut self) {
        if self.waits_to_be_asked {
            return;
        }
        let rest = async {
            let mut read = 0;
            while let Some(Ok(frame)) = self.body.frame().await {
                read += frame.data_ref().map_or(0, Bytes::len);
                if read > MAX_DRAINED_BYTES {
                    break;
                }
            }
        };
        // A timeout is ignored, because the answer is sent now in either case.
        let _ = timeout(MAX_DRAIN_TIME, rest).await;
    }
}

fn expects_continue(headers: &HeaderMap) -> bool {
    headers
        .get(header::EXPECT)
        .is_some_and(|expected| expected.as_bytes().eq_ignore_ascii_case(b"100-continue"))
}

/// A body with its deadline.
struct TimedBody {
    body: Body,
    /// The end of the time limit; `None` for an empty body, which cannot be late.
    deadline: Option<Pin<Box<Sleep>>>,
    arrived: Arc<Notify>,
}

impl TimedBody {
    fn notify_if_arrived(&self) {
        if http_body::Body::is_end_stream(&self.body) {
            self.arrived.notify_one();
        }
    }

    fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        // Polled before the body: otherwise a body that always has another byte ready would never be late.
        if let Some(deadline) = &mut self.deadline
            && deadline.as_mut().poll(cx).is_ready()
        {
            return Poll::Ready(Some(Err(axum::Error::new(BodyTimeout))));
        }
        let frame = ready!(http_body::Body::poll_frame(Pin::new(&mut self.body), cx));
        match frame {
            Some(Ok(_)) => self.notify_if_arrived(),
            Some(Err(_)) | None => self.arrived.notify_one(),
        }
        Poll::Ready(frame)
    }
}

/// A handle of a body that the handler reads first, and the edge drains afterwards.
#[derive(Clone)]
struct SharedBody(Arc<Mutex<TimedBody>>);

impl SharedBody {
    fn with<T>(&self, use_body: impl FnOnce(&mut TimedBody) -> T) -> T {
        use_body(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl http_body::Body for SharedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.with(|timed_body| timed_body.poll_frame(cx))
    }

    fn is_end_stream(&self) -> bool {
        self.with(|timed_body| http_body::Body::is_end_stream(&timed_body.body))
    }

    fn size_hint(&self) -> SizeHint {
        self.with(|timed_body| http_body::Body::size_hint(&timed_body.body))
    }
}
