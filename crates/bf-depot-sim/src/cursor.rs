//! The cursor of the changes feed. Callers treat a cursor as opaque text; the simulator reads from it the
//! instant up to which a caller has read, and the last vehicle of an unfinished answer.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};

/// The position of a caller in an account's changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ChangesCursor {
    /// When the account was added. A cursor is gone once its account has been replaced.
    pub(crate) account_began: DateTime<Utc>,
    /// The answer holds what was reported after this instant; all readings for `None`.
    pub(crate) since: Option<DateTime<Utc>>,
    /// In the middle of an answer of several pages: the instant that all its pages are as of, and the last
    /// vehicle on the page before.
    pub(crate) half_way: Option<(DateTime<Utc>, String)>,
}

/// The error for a text that does not have the form of a cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cursor is not one that was handed out here")]
pub(crate) struct NoCursor;

impl fmt::Display for ChangesCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.account_began.timestamp_micros())?;
        match self.since {
            Some(since) => write!(f, "~{}", since.timestamp_micros())?,
            None => write!(f, "~")?,
        }
        if let Some((until, after)) = &self.half_way {
            write!(f, "~{}~{after}", until.timestamp_micros())?;
        }
        Ok(())
    }
}

impl FromStr for ChangesCursor {
    type Err = NoCursor;

    fn from_str(text: &str) -> Result<Self, NoCursor> {
        let mut parts = text.splitn(4, '~');
        let account_began = parse_instant(parts.next().ok_or(NoCursor)?)?;
        let since = match parts.next().ok_or(NoCursor)? {
            "" => None,
            since => Some(parse_instant(since)?),
        };
        let half_way = match (parts.next(), parts.next()) {
            (Some(until), Some(after)) => Some((parse_instant(until)?, after.to_owned())),
            (None, None) => None,
            _ => return Err(NoCursor),
        };
        Ok(Self {
            account_began,
            since,
            half_way,
        })
    }
}

fn parse_instant(text: &str) -> Result<DateTime<Utc>, NoCursor> {
    let micros = text.parse().map_err(|_| NoCursor)?;
    DateTime::from_timestamp_micros(micros).ok_or(NoCursor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_as_it_went_and_other_texts_are_none() {
        let at = |micros| DateTime::from_timestamp_micros(micros).expect("a time");
        for cursor in [
            ChangesCursor {
                account_began: at(5),
                since: Some(at(-7)),
                half_way: None,
            },
            ChangesCursor {
                account_began: at(5),
                since: None,
                half_way: Some((at(9), "bus~1".to_owned())),
            },
        ] {
            assert_eq!(cursor.to_string().parse(), Ok(cursor));
        }
        for text in [
            "",
            "5",
            "x~1",
            "5~x",
            "5~1~2",
            "5~1~x~bus",
            "9223372036854775807~",
        ] {
            assert_eq!(text.parse::<ChangesCursor>(), Err(NoCursor), "{text}");
        }
    }
}
