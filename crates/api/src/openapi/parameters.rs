//! Parameters: a name means the same wherever it stands, so each is described once; where a resource
//! means something else by it, once more, as `<last part of the path>.<name>`.

use domain::acceptance::RejectReason;
use domain::events::EventType;
use domain::health::{HealthState, IssueCode, Reason, Responsibility, SignalFreshness};
use domain::signals::Signal;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::problem::ProblemKind;

/// What requests of every operation may carry.
pub(super) const OF_EVERY_REQUEST: [&str; 2] = ["traceparent", "x-request-id"];
pub(super) const IF_MATCH: &str = "If-Match";
pub(super) const IDEMPOTENCY_KEY: &str = "Idempotency-Key";

/// `*`, or a list of entity tags; a comma ends one.
const ENTITY_TAGS: &str = r#"^(\*|(W/)?"[!#-+\--~]*"( *, *(W/)?"[!#-+\--~]*")*)$"#;

/// Every parameter of the service by its name: of paths, of queries, of headers.
pub(super) fn definitions() -> Map<String, Value> {
    let mut definitions = Map::new();
    for (name, schema) in in_paths() {
        let parameter = json!({"name": name, "in": "path", "required": true, "schema": schema});
        definitions.insert(name.to_owned(), parameter);
    }
    for (place, parameters) in [
        ("query", in_queries()),
        ("query", of_worklists()),
        ("header", in_headers()),
    ] {
        for (key, description, schema) in parameters {
            let name = key.rsplit_once('.').map_or(key, |(_, name)| name);
            let parameter =
                json!({"name": name, "in": place, "description": description, "schema": schema});
            definitions.insert(key.to_owned(), parameter);
        }
    }
    for (name, description, schema) in in_queries_of_events() {
        let parameter =
            json!({"name": name, "in": "query", "description": description, "schema": schema});
        definitions.insert(format!("events.{name}"), parameter);
    }
    definitions
}

fn in_paths() -> Vec<(&'static str, Value)> {
    let component = |name: &str| json!({"$ref": format!("#/components/schemas/{name}")});
    let slugs: Vec<&str> = ProblemKind::ALL.iter().map(|kind| kind.slug).collect();
    vec![
        ("workspace_id", component("WorkspaceId")),
        ("device_id", component("DeviceId")),
        ("vehicle_id", component("VehicleId")),
        ("provider_id", component("ProviderId")),
        ("cycle_id", component("CycleId")),
        ("sweep_id", component("SweepId")),
        (
            "slug",
            json!({"type": "string", "enum": slugs, "description": "The last part of a problem's `type`.", "example": "rate-limited"}),
        ),
        (
            "asset",
            json!({"type": "string", "enum": crate::docs::asset_names(), "description": "A file that the page loads.", "example": "swagger-ui.css"}),
        ),
    ]
}

fn in_queries() -> Vec<(&'static str, &'static str, Value)> {
    let mut parameters = vec![
        (
            "limit",
            "Rows of a page.",
            json!({"type": "integer", "minimum": 1, "maximum": 1000, "default": 100, "example": 100}),
        ),
        (
            "cursor",
            "`next_cursor` of the page before: opaque, and good for the same list with the same filter only.",
            json!({"type": "string"}),
        ),
        (
            "vehicle",
            "Only this vehicle's devices.",
            json!({"$ref": "#/components/schemas/VehicleId"}),
        ),
        (
            "by",
            "Whether devices are listed or vehicles, which are as well as the mildest of their devices.",
            json!({"type": "string", "enum": ["device", "vehicle"], "default": "device"}),
        ),
        (
            "at",
            "As of this instant, from the history: with the flags, policy and devices as they were. Later than now only in `dev`.",
            json!({"type": "string", "format": "date-time", "example": "2026-11-23T08:00:00Z"}),
        ),
        (
            "workspace",
            "Only this workspace.",
            json!({"$ref": "#/components/schemas/WorkspaceId"}),
        ),
        (
            "rejections.provider",
            "Only what names this connection.",
            json!({"$ref": "#/components/schemas/ProviderId"}),
        ),
        (
            "unknown-devices.provider",
            "Only this connection.",
            json!({"$ref": "#/components/schemas/ProviderId"}),
        ),
        (
            "device",
            "Only this device.",
            json!({"$ref": "#/components/schemas/DeviceId"}),
        ),
        (
            "changed_by",
            "Only changes by this author, as `changed_by` names it.",
            json!({"type": "string", "minLength": 1, "pattern": "^[^\\u0000-\\u001f\\u007f-\\u009f]*$", "example": "person:3f1c0f5e"}),
        ),
        (
            "from",
            "At this instant or later.",
            json!({"type": "string", "format": "date-time", "example": "2026-11-23T08:00:00Z"}),
        ),
        (
            "to",
            "Before this instant.",
            json!({"type": "string", "format": "date-time", "example": "2026-11-24T08:00:00Z"}),
        ),
        (
            "active",
            "Only active devices, or only deactivated ones.",
            json!({"type": "boolean"}),
        ),
    ];
    parameters.extend(vocabularies_in_queries());
    parameters
}

fn vocabularies_in_queries() -> Vec<(&'static str, &'static str, Value)> {
    vec![
        (
            "state",
            "Only devices, or vehicles, in this state.",
            one_of(HealthState::ALL),
        ),
        (
            "issues.state",
            "Only issues that impact a device in this state; whole ones.",
            one_of(HealthState::ALL),
        ),
        (
            "code",
            "Only issues with this code.",
            one_of(&IssueCode::all()),
        ),
        (
            "reason",
            "Only devices with this root cause.",
            one_of(Reason::ALL),
        ),
        (
            "rejections.reason",
            "Only what was refused for this reason.",
            one_of(RejectReason::ALL),
        ),
        (
            "responsibility",
            "Only devices whose cause is theirs to mend.",
            one_of(Responsibility::ALL),
        ),
        (
            "signal",
            "Only this signal.",
            json!({"type": "string", "enum": Signal::all().map(Signal::name).collect::<Vec<_>>()}),
        ),
        (
            "signal_state",
            "Only signals, and in a list only devices with a signal, in this state.",
            one_of(SignalFreshness::ALL),
        ),
        (
            "type",
            "Only changes of this type.",
            one_of(EventType::CHANGES),
        ),
    ]
}

/// One of a vocabulary's words.
fn one_of(words: &[impl Serialize]) -> Value {
    json!({"type": "string", "enum": words})
}

fn of_worklists() -> Vec<(&'static str, &'static str, Value)> {
    vec![
        (
            "provider",
            "Only devices of connections of this name, or of this type.",
            json!({"$ref": "#/components/schemas/ProviderId"}),
        ),
        (
            "silent_for_minutes",
            "Only devices that have been silent for so long at least.",
            json!({"type": "integer", "minimum": 0, "maximum": 5_256_000, "example": 1440}),
        ),
        (
            "include",
            "Also workspaces whose reads are not core's.",
            json!({"type": "string", "enum": ["not_cut_over"]}),
        ),
    ]
}

fn in_queries_of_events() -> Vec<(&'static str, &'static str, Value)> {
    let types: Vec<&str> = EventType::ALL.iter().map(|word| word.as_str()).collect();
    let time = json!({"type": "string", "format": "date-time", "example": "2026-11-23T08:00:00Z"});
    vec![
        (
            "type",
            "Only events of this type.",
            json!({"type": "string", "enum": types}),
        ),
        (
            "device_id",
            "Only events of this device.",
            json!({"$ref": "#/components/schemas/DeviceId"}),
        ),
        (
            "cycle_id",
            "Only events of this cycle: all of them, where neither `from` nor `to` is given.",
            json!({"$ref": "#/components/schemas/CycleId"}),
        ),
        (
            "trace_id",
            "Only events of this W3C trace.",
            json!({"type": "string", "pattern": "^[0-9A-Fa-f]{32}$", "example": "0af7651916cd43dd8448eb211c80319c"}),
        ),
        (
            "from",
            "At this instant or later. Without it, the 24 hours before `to`; without either, the last 24 hours.",
            time,
        ),
    ]
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
