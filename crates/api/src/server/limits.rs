//! The limits on what one client may take of an instance.

use std::time::Duration;

/// The limits on connections and requests.
#[derive(Clone, Copy, Debug)]
pub struct HttpLimits {
    /// The connections that may be open at once. Further clients wait until one ends.
    pub connections: usize,
    /// The time from the end of an answer, or the start of a connection, to the end of the next request's head.
    /// A connection may be idle for so long, so this is longer than a load balancer keeps idle connections.
    pub head_within: Duration,
    /// The time from the end of the head to the end of the body, however steadily the body arrives.
    pub body_within: Duration,
    /// The time from the end of the body to the answer.
    pub answer_within: Duration,
    /// The time for which a client may leave an answer without reading any of it.
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
