//! Optional texts that are borrowed from the body.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer};

/// Reads an optional text, which is copied only if it holds escapes.
///
/// Serde borrows a `Cow<str>`, but copies each `Option<Cow<str>>`.
pub(crate) fn optional_text<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Cow<'de, str>>, D::Error> {
    #[derive(Deserialize)]
    struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

    Ok(Option::<Text<'de>>::deserialize(deserializer)?.map(|Text(text)| text))
}
