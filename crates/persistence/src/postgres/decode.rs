//! Text of the database back into the domain's words and ids.

use domain::ids::InvalidId;

use super::error::StorageError;

/// A word that the domain must know.
pub(crate) fn word<T>(
    parse: impl Fn(&str) -> Option<T>,
    what: &'static str,
    text: &str,
) -> Result<T, StorageError> {
    parse(text).ok_or_else(|| StorageError::corrupt(what, text))
}

/// An id that must obey its rule.
pub(crate) fn id<T>(
    try_new: impl Fn(&str) -> Result<T, InvalidId>,
    what: &'static str,
    text: &str,
) -> Result<T, StorageError> {
    try_new(text).map_err(|_| StorageError::corrupt(what, text))
}

/// JSON that must read as `T`.
pub(crate) fn json<T: serde::de::DeserializeOwned>(
    what: &'static str,
    json: serde_json::Value,
) -> Result<T, StorageError> {
    serde_json::from_value(json).map_err(|error| StorageError::corrupt(what, error))
}

/// A SHA-256.
pub(crate) fn digest(what: &'static str, bytes: &[u8]) -> Result<[u8; 32], StorageError> {
    bytes
        .try_into()
        .map_err(|_| StorageError::corrupt(what, bytes))
}
