//! The headers of answers in the OpenAPI document.

use serde_json::{Map, Value, json};

pub(super) const ALLOW: &str = "Allow";
pub(super) const ETAG: &str = "ETag";
pub(super) const RETRY_AFTER: &str = "Retry-After";
pub(super) const WWW_AUTHENTICATE: &str = "WWW-Authenticate";
const TRACE_ID: &str = "x-trace-id";
const REQUEST_ID: &str = "x-request-id";

/// Returns the definition of every header by its name.
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
            text(
                "The version of the resource in this answer. Send it back in `If-Match`.",
                "\"7\"",
            ),
        ),
        (
            RETRY_AFTER,
            json!({"description": "The number of seconds to wait before the next request.", "required": true, "schema": seconds}),
        ),
        (
            WWW_AUTHENTICATE,
            text(
                "The request needs a valid bearer token.",
                "Bearer error=\"invalid_token\"",
            ),
        ),
        (
            TRACE_ID,
            json!({
                "description": "The W3C trace id of this request. Name it when you ask for help.", "required": true,
                "schema": {"type": "string", "pattern": "^[0-9a-f]{32}$", "example": "0af7651916cd43dd8448eb211c80319c"},
            }),
        ),
        (
            REQUEST_ID,
            text(
                "The id of this request: the one that the caller sent, or a new one.",
                "4f1c2a",
            ),
        ),
    ];
    definitions
        .into_iter()
        .map(|(name, header)| (name.to_owned(), header))
        .collect()
}

/// Returns a header with a reference to its definition.
pub(super) fn reference(name: &str) -> (String, Value) {
    (
        name.to_owned(),
        json!({"$ref": format!("#/components/headers/{name}")}),
    )
}

/// Returns the headers that every answer has, whatever its status.
pub(super) fn of_every_answer() -> Map<String, Value> {
    [TRACE_ID, REQUEST_ID].into_iter().map(reference).collect()
}
