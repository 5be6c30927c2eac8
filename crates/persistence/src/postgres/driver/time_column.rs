//! Times that are decoded from `timestamptz` columns without a calendar.

use chrono::{DateTime, Utc};
use sqlx::error::BoxDynError;
use sqlx::postgres::{PgTypeInfo, PgValueRef};
use sqlx::{Decode, Postgres, Type};

/// A time in a `timestamptz` column, of which one query returns thousands.
///
/// sqlx converts the server's microseconds to a calendar date and back, which takes several times as long as this
/// type's single addition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TimeColumn(pub(crate) DateTime<Utc>);

/// 2000-01-01T00:00:00Z, the instant from which PostgreSQL counts, in microseconds since 1970.
const EPOCH: i64 = 946_684_800_000_000;

impl Type<Postgres> for TimeColumn {
    fn type_info() -> PgTypeInfo {
        DateTime::<Utc>::type_info()
    }
}

impl Decode<'_, Postgres> for TimeColumn {
    fn decode(value: PgValueRef<'_>) -> Result<Self, BoxDynError> {
        // sqlx asks for binary results of every prepared statement, and all checked statements are prepared.
        let micros = i64::from_be_bytes(value.as_bytes()?.try_into()?);
        // `infinity`, which no column of the schema holds, overflows here.
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
