//! Instants: as parameters, and as an event's place in a list that is newest first.

use chrono::{DateTime, SecondsFormat, Utc};
use domain::ids::EventId;

use super::Params;
use crate::problem::{FieldError, Problem};

/// Takes an instant, RFC 3339 with an offset.
pub fn read_time(params: &mut Params, name: &str) -> Option<DateTime<Utc>> {
    let expected = "must be an RFC 3339 time with an offset";
    params.read(name, expected, |text| {
        Some(DateTime::parse_from_rfc3339(text).ok()?.to_utc())
    })
}

/// An event's place, as a cursor has it.
pub fn place_in_time(at: DateTime<Utc>, id: EventId) -> String {
    format!("{} {id}", at.to_rfc3339_opts(SecondsFormat::Micros, true))
}

/// Reads it back.
///
/// # Errors
/// A text that is none: the cursor was tampered with.
pub fn read_place(key: &str) -> Result<(DateTime<Utc>, EventId), Problem> {
    key.split_once(' ')
        .and_then(|(at, id)| {
            let at = DateTime::parse_from_rfc3339(at).ok()?.to_utc();
            Some((at, EventId(id.parse().ok()?)))
        })
        .ok_or_else(|| {
            let error = FieldError::parameter("cursor", "is not a cursor of this list");
            Problem::invalid(vec![error])
        })
}
