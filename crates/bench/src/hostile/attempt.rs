//! One thing that a caller does to the service, and what comes of it.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::Request;

/// Something to do.
pub(crate) enum Attempt {
    /// A request as any client makes it, on a kept-alive connection.
    Request(Request<Full<Bytes>>),
    /// Bytes on a connection of their own.
    Raw(Raw),
}

/// Bytes that no well-behaved client sends, or not like this.
pub(crate) struct Raw {
    pub(crate) bytes: Bytes,
    /// Between two bytes; none to send them at once.
    pub(crate) pause: Option<Duration>,
    /// Whether to leave without waiting for an answer.
    pub(crate) aborts: bool,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Outcome {
    /// An answer.
    Status(u16),
    /// The service ended the connection without one.
    Closed,
    /// We left on purpose.
    Left,
    /// We waited for as long as a client does, and left.
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
