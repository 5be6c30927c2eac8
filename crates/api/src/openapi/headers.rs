//! Headers of answers.

use serde_json::{Map, Value, json};

pub(super) const ALLOW: &str = "Allow";
pub(super) const ETAG: &str = "ETag";
pub(super) const RETRY_AFTER: &str = "Retry-After";
pub(super) const WWW_AUTHENTICATE: &str = "WWW-Authenticate";
const TRACE_ID: &str = "x-trace-id";
const REQUEST_ID: &str = "x-request-id";

/// Every header by its name.
pub(super) fn definitions() -> Map<String, Value> {
    let text = |description: &str, example: &str| json!({"description": description, "required": true, "schema": {"type": "string", "example": example}});
    let seconds = json!({"type": "integer", "minimum": 0, "example": 5});
    let definitions = [
        (
            ALLOW,
            text("The methods that the resource has.", "GET,HEAD,PUT"),
        ),
        (
            ETAG,
            text("The version of what is shown, for `If-Match`.", "\"7\""),
        ),
        (
            RETRY_AFTER,
            json!({"description": "Seconds to wait.", "required": true, "schema": seconds}),
        ),
        (
            WWW_AUTHENTICATE,
            text(
                "A bearer token is wanted.",
                "Bearer error=\"invalid_token\"",
            ),
        ),
        (
            TRACE_ID,
            json!({
                "description": "W3C trace id, to be named when asking for help.", "required": true,
                "schema": {"type": "string", "pattern": "^[0-9a-f]{32}$", "example": "0af7651916cd43dd8448eb211c80319c"},
            }),
        ),
        (
            REQUEST_ID,
            text(
                "The request's name: the caller's, or one given here.",
                "4f1c2a",
            ),
        ),
    ];
    definitions
        .into_iter()
        .map(|(name, header)| (name.to_owned(), header))
        .collect()
}

/// A header of an answer, by reference.
pub(super) fn reference(name: &str) -> (String, Value) {
    (
        name.to_owned(),
        json!({"$ref": format!("#/components/headers/{name}")}),
    )
}

/// What every answer carries, whatever its status.
pub(super) fn of_every_answer() -> Map<String, Value> {
    [TRACE_ID, REQUEST_ID].into_iter().map(reference).collect()
}
