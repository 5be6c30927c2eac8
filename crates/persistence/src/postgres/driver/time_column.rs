//! Times as the wire has them.

use chrono::{DateTime, Utc};
use sqlx::error::BoxDynError;
use sqlx::postgres::{PgTypeInfo, PgValueRef};
use sqlx::{Decode, Postgres, Type};

/// A time of which thousands are read at once. The driver goes by calendar days and offsets, which takes
/// several times as long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment(pub(crate) DateTime<Utc>);

/// The first instant of 2000, from which PostgreSQL counts microseconds, in those since 1970.
const EPOCH: i64 = 946_684_800_000_000;

impl Type<Postgres> for Moment {
    fn type_info() -> PgTypeInfo {
        DateTime::<Utc>::type_info()
    }
}

impl Decode<'_, Postgres> for Moment {
    fn decode(value: PgValueRef<'_>) -> Result<Self, BoxDynError> {
        // Statements with parameters, as all of ours are, answer in binary.
        let micros = i64::from_be_bytes(value.as_bytes()?.try_into()?);
        // Infinity, which no column of ours holds, is beyond it.
        micros
            .checked_add(EPOCH)
            .and_then(DateTime::from_timestamp_micros)
            .map(Self)
            .ok_or_else(|| "a time beyond the calendar".into())
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn the_epoch_is_the_first_instant_of_2000() {
        let since = DateTime::UNIX_EPOCH + TimeDelta::microseconds(EPOCH);
        assert_eq!(since.to_rfc3339(), "2000-01-01T00:00:00+00:00");
    }
}
