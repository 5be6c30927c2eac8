//! Decoding columns into values of the domain. In each function `what` names the column in the error.

use domain::ids::InvalidId;

use super::error::StorageError;

/// Decodes a word that the domain defines, such as a status.
pub(crate) fn word<T>(
    parse: impl Fn(&str) -> Option<T>,
    what: &'static str,
    text: &str,
) -> Result<T, StorageError> {
    parse(text).ok_or_else(|| StorageError::corrupt(what, text))
}

/// Decodes an id, which must satisfy the rule of its type.
pub(crate) fn id<T>(
    try_new: impl Fn(&str) -> Result<T, InvalidId>,
    what: &'static str,
    text: &str,
) -> Result<T, StorageError> {
    try_new(text).map_err(|_| StorageError::corrupt(what, text))
}

/// Decodes a JSON document into a `T`.
pub(crate) fn json<T: serde::de::DeserializeOwned>(
    what: &'static str,
    json: serde_json::Value,
) -> Result<T, StorageError> {
    serde_json::from_value(json).map_err(|error| StorageError::corrupt(what, error))
}

/// Decodes a SHA-256 digest, which must have 32 bytes.
pub(crate) fn digest(what: &'static str, bytes: &[u8]) -> Result<[u8; 32], StorageError> {
    bytes
        .try_into()
        .map_err(|_| StorageError::corrupt(what, bytes))
}
