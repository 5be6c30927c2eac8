//! The refusals of each operation. Most problems that an operation may answer follow from its row of the access
//! table, its method and its parameters. The handler's attribute names the others, as `x-problems`.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use super::headers;
use crate::access::{Access, BodyRule, Route};
use crate::problem::ProblemKind;

/// The member of an operation that names the problems of its handler. It is removed from the finished document.
pub(super) const OF_THE_HANDLER: &str = "x-problems";

/// The problems of one operation, by status.
pub(super) type Refusals = BTreeMap<u16, Vec<ProblemKind>>;

/// Returns the problems that an operation may answer.
pub(super) fn refusals(
    route: &Route,
    honours_if_match: bool,
    of_the_handler: &[ProblemKind],
) -> Refusals {
    let mut kinds = vec![ProblemKind::VALIDATION, ProblemKind::INTERNAL];
    if route.access != Access::Open {
        kinds.extend([
            ProblemKind::UNAUTHORIZED,
            ProblemKind::FORBIDDEN,
            ProblemKind::RATE_LIMITED,
            ProblemKind::UNAVAILABLE,
            ProblemKind::KEYS_UNAVAILABLE,
        ]);
    }
    if route.path.contains('{') {
        kinds.push(ProblemKind::NOT_FOUND);
    }
    if route.body != BodyRule::None {
        kinds.extend([
            ProblemKind::REQUEST_TIMEOUT,
            ProblemKind::PAYLOAD_TOO_LARGE,
            ProblemKind::UNSUPPORTED_MEDIA_TYPE,
        ]);
    }
    if route.takes_idempotency_key() {
        kinds.extend([
            ProblemKind::IDEMPOTENCY_KEY_IN_USE,
            ProblemKind::IDEMPOTENCY_KEY_REUSED,
        ]);
    }
    if honours_if_match {
        kinds.push(ProblemKind::PRECONDITION_FAILED);
    }
    kinds.extend(of_the_handler);
    let mut by_status = Refusals::new();
    for kind in ProblemKind::ALL.iter().filter(|kind| kinds.contains(kind)) {
        by_status
            .entry(kind.status.as_u16())
            .or_default()
            .push(*kind);
    }
    by_status
}

/// Returns the name of the component for an answer of one of these kinds.
pub(super) fn component_name(kinds: &[ProblemKind]) -> String {
    let names: Vec<String> = kinds.iter().map(|kind| in_camel_case(kind.slug)).collect();
    names.join("Or")
}

fn in_camel_case(slug: &str) -> String {
    slug.split('-')
        .flat_map(|word| {
            let (first, rest) = word.split_at(1);
            [first.to_ascii_uppercase(), rest.to_owned()]
        })
        .collect()
}

/// Builds the component for an answer of one of these kinds, which share a status.
pub(super) fn response(kinds: &[ProblemKind]) -> Value {
    let examples: Map<String, Value> = kinds
        .iter()
        .map(|kind| {
            (
                kind.slug.to_owned(),
                json!({"summary": kind.title, "value": example(*kind)}),
            )
        })
        .collect();
    let words: Vec<String> = kinds
        .iter()
        .map(|kind| format!("`{}`: {}.", kind.problem_type(), kind.when))
        .collect();
    let mut sent = headers::of_every_answer();
    if kinds.contains(&ProblemKind::IDEMPOTENCY_KEY_IN_USE) {
        let wait = json!({"description": "The number of seconds to wait before the next request, if waiting helps.", "schema": {"type": "integer", "minimum": 1, "example": 1}});
        sent.insert(headers::RETRY_AFTER.to_owned(), wait);
    }
    sent.extend(
        kinds
            .first()
            .map(|kind| of_status(kind.status))
            .unwrap_or_default(),
    );
    json!({
        "description": words.join("\n"),
        "headers": sent,
        "content": {"application/problem+json": {
            "schema": {"$ref": "#/components/schemas/Problem"},
            "examples": examples,
        }},
    })
}

fn of_status(status: StatusCode) -> Map<String, Value> {
    let name = match status {
        StatusCode::UNAUTHORIZED => headers::WWW_AUTHENTICATE,
        StatusCode::METHOD_NOT_ALLOWED => headers::ALLOW,
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => headers::RETRY_AFTER,
        _ => return Map::new(),
    };
    Map::from_iter([headers::reference(name)])
}

fn example(kind: ProblemKind) -> Value {
    let mut problem = json!({
        "type": kind.problem_type(),
        "title": kind.title,
        "status": kind.status.as_u16(),
        "instance": "/api/telematics-mvp/workspaces/depot-north/policy",
        "trace_id": "0af7651916cd43dd8448eb211c80319c",
    });
    match kind {
        ProblemKind::VALIDATION => {
            problem["detail"] = json!("1 member is not valid");
            problem["errors"] = json!([{"pointer": "/stale_threshold_minutes", "detail": "must be above poll_interval_minutes"}]);
        }
        ProblemKind::PRECONDITION_FAILED => {
            problem["detail"] = json!("If-Match names another version");
            problem["current"] = json!({"version": 8});
        }
        _ => {}
    }
    problem
}
