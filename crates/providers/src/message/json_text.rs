//! JSON strings, borrowed where they hold no escapes.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

/// A JSON string, borrowed where it holds no escapes.
#[derive(Deserialize)]
pub struct JsonText<'a>(#[serde(borrow)] pub Cow<'a, str>);

/// Returns the text that the provider sent. Transports that know nothing of JSON forward a text frame as a JSON
/// string.
pub(crate) fn text_of_message(raw_message: &RawValue) -> Cow<'_, str> {
    let json = raw_message.get();
    if json.starts_with('"') {
        // A string with half of a surrogate pair is JSON and no text: no interpreter will understand it.
        serde_json::from_str(json).map_or(Cow::Borrowed(json), |JsonText(text)| text)
    } else {
        Cow::Borrowed(json)
    }
}
