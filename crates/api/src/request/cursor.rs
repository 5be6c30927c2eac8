//! The cursor of a list: the position where the next page starts, bound to the list, its filter and its instant.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Datelike, Utc};
use serde::{Deserialize, Serialize};

/// The content of a cursor, which is opaque to clients.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cursor {
    /// The list and its filter, as the request named them.
    #[serde(rename = "l")]
    pub list: String,
    /// The instant at which the first page was computed.
    #[serde(rename = "t")]
    pub instant: DateTime<Utc>,
    /// The position of the last item of the page before.
    #[serde(rename = "a")]
    pub after: String,
}

impl Cursor {
    /// Encodes the cursor for an answer.
    pub fn encode(&self) -> String {
        // Serializing cannot fail: every member is a text or a time.
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).unwrap_or_default())
    }

    /// Decodes a cursor that a client sent; returns `None` if this service cannot have made it.
    pub fn decode(text: &str) -> Option<Self> {
        let json = URL_SAFE_NO_PAD.decode(text).ok()?;
        let cursor: Self = serde_json::from_slice(&json).ok()?;
        // No position of ours holds a NUL, which the database would refuse, and no page is older than 2015.
        let made_here = !cursor.after.contains('\0') && cursor.instant.year() >= 2015;
        made_here.then_some(cursor)
    }
}
