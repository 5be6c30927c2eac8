//! Parameters of paths and headers. A name means the same wherever it stands, so each is described once. Query
//! parameters are declared where they are read (`request::query_parameters!`).

use domain::ids::{CycleId, DeviceId, ProviderId, SweepId, VehicleId, WorkspaceId};
use serde_json::{Map, Value, json};

use crate::docs::Asset;
use crate::problem_pages::Slug;
use crate::request::PathId;

/// The headers that a request of any operation may have.
pub(super) const OF_EVERY_REQUEST: [&str; 2] = ["traceparent", "x-request-id"];
pub(super) const IF_MATCH: &str = "If-Match";
pub(super) const IDEMPOTENCY_KEY: &str = "Idempotency-Key";

/// `*`, or a list of entity tags; a comma ends one.
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
            "The `ETag` that the change was decided on: 412 where the resource has another by now. `*`, or none: whatever it is.",
            json!({"type": "string", "minLength": 1, "pattern": ENTITY_TAGS, "example": "\"7\""}),
        ),
        (
            IDEMPOTENCY_KEY,
            "Names this request: sent again within 24 h with the same body, it gets the answer of the first time, with `Idempotency-Replayed: true`, and changes nothing.",
            json!({"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$", "example": "b1c7c2de-4f0e-4d56-a3e1-3f4f1c1f0a52"}),
        ),
        (
            "traceparent",
            "W3C trace context, which the answer, the log lines and the events then belong to. One that is not well-formed is passed over.",
            json!({"type": "string", "example": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}),
        ),
        (
            "x-request-id",
            "The caller's own name for this request, which the answer and the log lines carry.",
            json!({"type": "string", "example": "4f1c2a"}),
        ),
    ]
}
