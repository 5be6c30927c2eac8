//! Feeds: providers that report what has changed since a cursor which they handed out.

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};

use crate::vocabulary::words;

words!(
    /// The way in which a connection is read, by its settings.
    Feed {
        /// Every poll reads all vehicles.
        Whole = "whole",
        /// A poll reads what has changed since the poll before.
        Changes = "changes",
    }
);

/// The time for which changes are built on one reading of everything. A feed does not report that a vehicle
/// has left the account: that shows when everything is read again.
const READ_ANEW_AFTER: TimeDelta = TimeDelta::hours(1);
/// The span by which the clocks of instances may disagree.
const SLACK: TimeDelta = TimeDelta::minutes(1);

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

/// The part of the account that an answer of a feed speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// The answer speaks of all vehicles: a vehicle that it does not name is not there.
    Everything,
    /// The answer speaks of some of all vehicles; the rest is still to come.
    Beginning,
    /// The answer speaks of what has changed or come since: a vehicle that it does not name is as before.
    Changes,
}

impl Reach {
    /// Returns whether the answer builds on nothing that was read before.
    pub const fn starts_over(self) -> bool {
        matches!(self, Self::Everything | Self::Beginning)
    }
}

/// A committed cursor, with the facts that it depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldCursor {
    /// The cursor.
    pub cursor: FeedCursor,
    /// The version of the connection when it was asked.
    pub connection_version: i64,
    /// The instant at which the reading of everything began that later changes build on.
    pub read_anew_at: DateTime<Utc>,
}

impl HeldCursor {
    /// Returns the cursor from which a poll goes on without passing over anything; `None` when the poll must
    /// read everything anew. Another account may stand behind a connection that was changed, a device that
    /// was activated since has missed what was reported before, and after an hour everything is read in any
    /// case.
    pub fn resume_from(
        &self,
        connection_version: i64,
        newest_activation: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> Option<&FeedCursor> {
        let is_of_this_connection = self.connection_version == connection_version;
        let has_told_all = newest_activation.is_none_or(|at| at + SLACK < self.read_anew_at);
        let is_recent = now - self.read_anew_at < READ_ANEW_AFTER;
        (is_of_this_connection && has_told_all && is_recent).then_some(&self.cursor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_poll_goes_on_only_where_nothing_is_passed_over() {
        let read_at = DateTime::UNIX_EPOCH + TimeDelta::days(20_000);
        let held = HeldCursor {
            cursor: FeedCursor::try_new("c1").expect("a cursor"),
            connection_version: 3,
            read_anew_at: read_at,
        };
        let later = |seconds| read_at + TimeDelta::seconds(seconds);
        for (version, activated_at, now, goes_on) in [
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
            let cursor = held.resume_from(version, activated_at, now);
            assert_eq!(
                cursor.is_some(),
                goes_on,
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
