//! What one client may take of an instance.

use std::time::Duration;

/// Bounds of connections and of requests.
#[derive(Clone, Copy, Debug)]
pub struct HttpLimits {
    /// Connections open at once; further ones wait to be accepted.
    pub connections: usize,
    /// From the end of an answer, or the begin of a connection, to the end of the next request's head.
    /// So long may a connection be idle, too, so it is longer than a load balancer keeps idle ones.
    pub head_within: Duration,
    /// From the end of the head to the end of the body, however steadily it comes.
    pub body_within: Duration,
    /// From the end of the body to the answer.
    pub answer_within: Duration,
    /// How long a client may leave an answer lying without reading any of it.
    pub unread_within: Duration,
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self {
            connections: 1_024,
            head_within: Duration::from_secs(75),
            body_within: Duration::from_secs(30),
            answer_within: Duration::from_secs(30),
            unread_within: Duration::from_secs(30),
        }
    }
}
