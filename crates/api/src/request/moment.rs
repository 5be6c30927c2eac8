//! Instants as parameters.

use chrono::{DateTime, Utc};

use super::Params;

/// Takes an instant, RFC 3339 with an offset.
pub fn read_time(params: &mut Params, name: &str) -> Option<DateTime<Utc>> {
    let expected = "must be an RFC 3339 time with an offset";
    params.read(name, expected, |text| {
        Some(DateTime::parse_from_rfc3339(text).ok()?.to_utc())
    })
}
