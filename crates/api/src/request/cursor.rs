//! Cursors: where a list goes on, bound to the list, its filter and its instant.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Datelike, Utc};
use serde::{Deserialize, Serialize};

/// What a cursor holds. Opaque to clients.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cursor {
    /// The list and its filter, as the request named them.
    #[serde(rename = "l")]
    pub list: String,
    /// The instant at which the first page was computed.
    #[serde(rename = "t")]
    pub instant: DateTime<Utc>,
    /// The last key of the page before.
    #[serde(rename = "a")]
    pub after: String,
}

impl Cursor {
    /// As it goes into an answer.
    pub fn encode(&self) -> String {
        // Three texts always have a JSON form.
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).unwrap_or_default())
    }

    /// As it came back; `None` for what was never one.
    pub fn decode(text: &str) -> Option<Self> {
        let json = URL_SAFE_NO_PAD.decode(text).ok()?;
        let cursor: Self = serde_json::from_slice(&json).ok()?;
        // No key of ours holds a NUL, which the database would not take; no page of ours is older.
        let made_here = !cursor.after.contains('\0') && cursor.instant.year() >= 2015;
        made_here.then_some(cursor)
    }
}
