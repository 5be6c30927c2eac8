//! One attempt of a caller at the service, and its outcome.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::Request;

/// What a caller sends to the service.
pub(crate) enum Attempt {
    /// A request as any client sends it, on a kept-alive connection.
    Request(Request<Full<Bytes>>),
    /// Bytes that are sent on a connection of their own.
    Raw(Raw),
}

/// Bytes that no well-behaved client sends, or that are sent as no such client sends them.
pub(crate) struct Raw {
    pub(crate) bytes: Bytes,
    /// The pause between two bytes; `None` sends all bytes at once.
    pub(crate) pause: Option<Duration>,
    /// Whether the caller disconnects without waiting for an answer.
    pub(crate) aborts: bool,
}

/// The outcome of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Outcome {
    /// The service answered with this status.
    Status(u16),
    /// The service closed the connection without an answer.
    Closed,
    /// The caller disconnected on purpose.
    Left,
    /// The caller waited as long as clients do, and then disconnected.
    GaveUp,
}

impl fmt::Display for Outcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(formatter, "{status}"),
            Self::Closed => formatter.write_str("closed"),
            Self::Left => formatter.write_str("left"),
            Self::GaveUp => formatter.write_str("gave up"),
        }
    }
}
