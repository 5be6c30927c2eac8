//! Times as the text of the contract.

use std::fmt;
use std::time::SystemTime;

use chrono::{DateTime, SecondsFormat, Utc};
use humantime::{format_rfc3339_micros, format_rfc3339_millis, format_rfc3339_seconds};
use serde::{Serialize, Serializer};

/// A time that is written as the contract asks: RFC 3339 in UTC with `Z` and 0, 3 or 6 fraction digits,
/// whichever is exact. `chrono` writes the same text at several times the price, which tells in lists of
/// thousands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimeText(pub DateTime<Utc>);

/// The last second that has a four-digit year.
const LAST_SECOND: i64 = 253_402_300_799;

impl fmt::Display for TimeText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(time) = self;
        if !(0..=LAST_SECOND).contains(&time.timestamp()) {
            return f.write_str(&time.to_rfc3339_opts(SecondsFormat::AutoSi, true));
        }
        let at = SystemTime::from(*time);
        match time.timestamp_subsec_micros() {
            0 => format_rfc3339_seconds(at).fmt(f),
            micros if micros % 1000 == 0 => format_rfc3339_millis(at).fmt(f),
            _ => format_rfc3339_micros(at).fmt(f),
        }
    }
}

impl Serialize for TimeText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl From<DateTime<Utc>> for TimeText {
    fn from(time: DateTime<Utc>) -> Self {
        Self(time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_is_what_chrono_writes(seconds in -100_000_000_000_i64..300_000_000_000, micros in 0_u32..1_000_000, digits in 0_usize..3) {
            let micros = micros / [1, 1_000, 1_000_000][digits] * [1, 1_000, 1_000_000][digits];
            let time = DateTime::from_timestamp(seconds, micros * 1000).expect("a time");
            prop_assert_eq!(
                TimeText(time).to_string(),
                time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
            );
        }
    }
}
