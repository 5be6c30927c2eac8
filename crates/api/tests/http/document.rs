//! The document, held against every answer that any test here sees.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use jsonschema::Validator;
use reqwest::Method;
use serde_json::{Value, json};

use crate::service::Answer;

/// The document of this build.
pub static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(api::openapi_json()).expect("JSON"));

/// Headers that an answer has exactly where the document says so.
const TOLD_OF: [&str; 4] = ["allow", "etag", "retry-after", "www-authenticate"];

/// Panics where an answer is not documented: its status, its headers, its type, its members, and for
/// a refusal the kind of problem.
#[track_caller]
pub fn check(method: &Method, path: &str, answer: &Answer) {
    let what = format!("{method} {path}: {} {}", answer.status, answer.text());
    let Some(item) = item_of(path) else {
        assert_eq!(answer.status, 404, "{what}");
        return;
    };
    let head = method == Method::HEAD;
    let method = if head {
        "get"
    } else {
        &method.as_str().to_lowercase()
    };
    let operation = &item[method];
    if operation.is_null() {
        assert!([401, 404, 405].contains(&answer.status), "{what}");
        return;
    }
    let response = resolved(&operation["responses"][answer.status.to_string()]);
    assert!(!response.is_null(), "not documented: {what}");
    check_headers(response, answer, &what);
    if head || response["content"].is_null() {
        assert_eq!(answer.text(), "", "{what}");
        return;
    }
    let sent = answer.header("content-type").unwrap_or_default();
    let media_type = sent.split(';').next().unwrap_or_default();
    let media = &response["content"][media_type];
    assert!(!media.is_null(), "{media_type} is not documented: {what}");
    if !media_type.ends_with("json") {
        return;
    }
    let body = answer.of(answer.status);
    let schema = media["schema"].clone();
    if let Err(wrong) = validator(schema).validate(&body) {
        panic!("{wrong} at {}: {what}", wrong.instance_path());
    }
    if media_type == "application/problem+json" {
        let kinds = media["examples"].as_object().expect("examples");
        let known = kinds
            .values()
            .any(|kind| kind["value"]["type"] == body["type"]);
        assert!(known, "this type is not documented: {what}");
    }
}

fn check_headers(response: &'static Value, answer: &Answer, what: &str) {
    let documented: HashMap<String, &Value> = response["headers"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, header)| (name.to_lowercase(), resolved(header)))
        .collect();
    for (name, header) in &documented {
        let sent = answer.header(name);
        assert!(
            sent.is_some() || header["required"] != true,
            "no {name}: {what}"
        );
    }
    for name in TOLD_OF {
        let sent = answer.header(name).is_some();
        assert!(
            !sent || documented.contains_key(name),
            "{name} is not documented: {what}"
        );
    }
}

/// The path item that a path without its query matches.
fn item_of(path: &str) -> Option<&'static Value> {
    let paths = DOCUMENT["paths"].as_object().expect("paths");
    let matches = |template: &str| {
        let (mut template, mut path) = (template.split('/'), path.split('/'));
        loop {
            match (template.next(), path.next()) {
                (None, None) => return true,
                (Some(expected), Some(given)) if expected == given => {}
                (Some(expected), Some(given)) if expected.starts_with('{') && !given.is_empty() => {
                }
                _ => return false,
            }
        }
    };
    // A fixed segment counts for more than a parameter.
    let mut fitting: Vec<_> = paths
        .iter()
        .filter(|(template, _)| matches(template))
        .collect();
    fitting.sort_by_key(|(template, _)| template.matches('{').count());
    fitting.first().map(|(_, item)| *item)
}

/// What a reference leads to; anything else is itself.
pub fn resolved(value: &'static Value) -> &'static Value {
    match value["$ref"].as_str() {
        Some(reference) => resolved(
            DOCUMENT
                .pointer(reference.trim_start_matches('#'))
                .unwrap_or_else(|| panic!("{reference} leads nowhere")),
        ),
        None => value,
    }
}

/// A validator of a schema of the document, made once.
pub fn validator(mut schema: Value) -> Arc<Validator> {
    static VALIDATORS: LazyLock<Mutex<HashMap<String, Arc<Validator>>>> =
        LazyLock::new(Mutex::default);
    let mut validators = VALIDATORS.lock().unwrap_or_else(PoisonError::into_inner);
    let key = schema.to_string();
    let build = || {
        schema["components"] = json!({"schemas": DOCUMENT["components"]["schemas"]});
        let validator = jsonschema::options()
            .should_validate_formats(true)
            .build(&schema);
        Arc::new(validator.expect("a schema"))
    };
    Arc::clone(validators.entry(key).or_insert_with(build))
}
