//! The cursor of the changes feed: opaque to callers, a place in time and within an answer to us.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};

/// Where a caller has got to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// When the account began: one that was put anew knows no cursor from before.
    pub(crate) account_began: DateTime<Utc>,
    /// The answer has what was reported after this; all there is when nothing.
    pub(crate) since: Option<DateTime<Utc>>,
    /// Half-way through an answer: as of when it is, and the last vehicle that was told.
    pub(crate) half_way: Option<(DateTime<Utc>, String)>,
}

/// A text that was never a cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cursor is not one that was handed out here")]
pub(crate) struct NoCursor;

impl fmt::Display for Cursor {
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

impl FromStr for Cursor {
    type Err = NoCursor;

    fn from_str(text: &str) -> Result<Self, NoCursor> {
        let mut parts = text.splitn(4, '~');
        let account_began = instant(parts.next().ok_or(NoCursor)?)?;
        let since = match parts.next().ok_or(NoCursor)? {
            "" => None,
            since => Some(instant(since)?),
        };
        let half_way = match (parts.next(), parts.next()) {
            (Some(until), Some(after)) => Some((instant(until)?, after.to_owned())),
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

fn instant(text: &str) -> Result<DateTime<Utc>, NoCursor> {
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
            Cursor {
                account_began: at(5),
                since: Some(at(-7)),
                half_way: None,
            },
            Cursor {
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
            assert_eq!(text.parse::<Cursor>(), Err(NoCursor), "{text}");
        }
    }
}
