//! Feeds: providers that report what has changed since a cursor which they handed out.

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};

/// The span by which the clocks of instances may disagree.
const CLOCK_SLACK: TimeDelta = TimeDelta::minutes(1);

/// A list of changes that a provider hands out from a cursor onwards. A connection may be read by several
/// feeds, each with a cursor of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Feed {
    /// The name under which the feed's cursor is kept, unique among the feeds of a connection.
    pub name: &'static str,
    /// The time for which polls go on from cursors before the feed is read from its start again. A feed does not
    /// report that a vehicle has left the account: that shows when everything is read.
    pub restart_after: TimeDelta,
}

/// A position in a provider's feed: opaque, 1 to 4096 bytes of printable text.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FeedCursor(String);

/// A text that cannot be a cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to 4096 bytes without control characters")]
pub struct InvalidCursor;

impl FeedCursor {
    /// Checks a cursor.
    ///
    /// # Errors
    /// [`InvalidCursor`].
    pub fn try_new(text: &str) -> Result<Self, InvalidCursor> {
        if (1..=4_096).contains(&text.len()) && !text.contains(char::is_control) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidCursor)
        }
    }

    /// Returns the cursor as the provider wrote it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FeedCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The cursor of a feed as it was committed, with the facts that decide whether a poll may go on from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldCursor {
    /// The position after the last change that was accepted.
    pub cursor: FeedCursor,
    /// The version that the connection had when it was polled.
    pub connection_version: i64,
    /// When the reading from the feed's start began, on which all changes since are built.
    pub read_anew_at: DateTime<Utc>,
}

impl HeldCursor {
    /// Returns whether a poll that goes on from this cursor misses nothing. A poll must read the feed from its start
    /// when the connection was changed (another account may stand behind it), when a device was activated
    /// since (it has missed what was reported before), and when [`Feed::restart_after`] has passed.
    pub fn can_resume(
        &self,
        feed: Feed,
        connection_version: i64,
        newest_activation: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> bool {
        let is_of_this_connection = self.connection_version == connection_version;
        let covers_all_devices =
            newest_activation.is_none_or(|at| at + CLOCK_SLACK < self.read_anew_at);
        let is_recent = now - self.read_anew_at < feed.restart_after;
        is_of_this_connection && covers_all_devices && is_recent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_poll_resumes_only_where_it_misses_nothing() {
        let feed = Feed {
            name: "changes",
            restart_after: TimeDelta::hours(1),
        };
        let read_at = DateTime::UNIX_EPOCH + TimeDelta::days(20_000);
        let held = HeldCursor {
            cursor: FeedCursor::try_new("c1").expect("a cursor"),
            connection_version: 3,
            read_anew_at: read_at,
        };
        let later = |seconds| read_at + TimeDelta::seconds(seconds);
        for (version, activated_at, now, resumes) in [
            (3, None, later(300), true),
            (3, None, later(3_599), true),
            (3, None, later(3_600), false),
            (4, None, later(300), false),
            (1, None, later(300), false),
            (3, Some(later(-61)), later(300), true),
            // On an instance whose clock is ahead, or while everything was being read.
            (3, Some(later(-60)), later(300), false),
            (3, Some(later(30)), later(300), false),
        ] {
            assert_eq!(
                held.can_resume(feed, version, activated_at, now),
                resumes,
                "{version} {activated_at:?} {now}"
            );
        }
    }

    #[test]
    fn a_cursor_is_text_that_can_be_kept() {
        assert!(FeedCursor::try_new(&"x".repeat(4_096)).is_ok());
        for refused in ["", "a\0", "a\n", &"x".repeat(4_097)] {
            assert_eq!(FeedCursor::try_new(refused), Err(InvalidCursor));
        }
    }
}
