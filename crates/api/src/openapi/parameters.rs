//! The parameters of paths and headers in the OpenAPI document. A name means the same in every operation, so each
//! is described once. Query parameters are declared by their endpoints (`request::query_parameters!`).

use domain::ids::{CycleId, DeviceId, ProviderId, SweepId, VehicleId, WorkspaceId};
use serde_json::{Map, Value, json};

use crate::docs::Asset;
use crate::problem_pages::Slug;
use crate::request::PathId;

/// The headers that a request of any operation may have.
pub(super) const OF_EVERY_REQUEST: [&str; 2] = ["traceparent", "x-request-id"];
pub(super) const IF_MATCH: &str = "If-Match";
pub(super) const IDEMPOTENCY_KEY: &str = "Idempotency-Key";

/// The pattern of `If-Match`: `*`, or a list of entity tags separated by commas.
const ENTITY_TAGS: &str = r#"^(\*|(W/)?"[!#-+\--~]*"( *, *(W/)?"[!#-+\--~]*")*)$"#;

/// Returns the parameters of paths and headers by their names.
pub(super) fn definitions() -> Map<String, Value> {
    let in_paths = in_paths().into_iter().map(|(name, schema)| {
        let parameter = json!({"name": name, "in": "path", "required": true, "schema": schema});
        (name.to_owned(), parameter)
    });
    let in_headers = in_headers().into_iter().map(|(name, description, schema)| {
        let parameter =
            json!({"name": name, "in": "header", "description": description, "schema": schema});
        (name.to_owned(), parameter)
    });
    in_paths.chain(in_headers).collect()
}

fn in_paths() -> [(&'static str, Value); 8] {
    [
        id::<WorkspaceId>(),
        id::<DeviceId>(),
        id::<VehicleId>(),
        id::<ProviderId>(),
        id::<CycleId>(),
        id::<SweepId>(),
        id::<Slug>(),
        id::<Asset>(),
    ]
}

fn id<I: PathId>() -> (&'static str, Value) {
    (I::PARAMETER, json!(I::schema()))
}

fn in_headers() -> Vec<(&'static str, &'static str, Value)> {
    vec![
        (
            IF_MATCH,
            "The `ETag` of the version that you want to change. The answer is 412 if the resource has another version by now. With `*`, or without this header, any version is changed.",
            json!({"type": "string", "minLength": 1, "pattern": ENTITY_TAGS, "example": "\"7\""}),
        ),
        (
            IDEMPOTENCY_KEY,
            "A unique key for this request. The same request with the same key within 24 h changes nothing: it gets the first answer again, with `Idempotency-Replayed: true`.",
            json!({"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$", "example": "b1c7c2de-4f0e-4d56-a3e1-3f4f1c1f0a52"}),
        ),
        (
            "traceparent",
            "The W3C trace context to which the answer, the log lines and the events belong. A header that is not well formed is ignored.",
            json!({"type": "string", "example": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}),
        ),
        (
            "x-request-id",
            "The caller's own id for this request, which stands in the answer and in the log lines.",
            json!({"type": "string", "example": "4f1c2a"}),
        ),
    ]
}
