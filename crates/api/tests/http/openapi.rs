//! The document describes what is there: completely, in itself and beside the access table.
//!
//! That answers are as it says is checked with every answer, in `document`.

use api::access::{Access, BodyRule, Route, TABLE};
use api::problem::ProblemKind;
use serde_json::Value;

use crate::document::{DOCUMENT, resolved, validator};
use crate::service::{Caller, Service};

const COMMITTED: &str = include_str!("../../../../docs/openapi/openapi.json");

/// Every row of the access table with its operation.
fn operations() -> impl Iterator<Item = (&'static Route, &'static Value)> {
    TABLE.iter().map(|route| {
        let method = route.method.as_str().to_lowercase();
        let operation = &DOCUMENT["paths"][route.path][method];
        assert!(operation.is_object(), "{} {}", route.method, route.path);
        (route, operation)
    })
}

fn list(value: &'static Value) -> impl Iterator<Item = &'static Value> {
    value.as_array().into_iter().flatten()
}

fn members(value: &'static Value) -> impl Iterator<Item = (&'static str, &'static Value)> {
    value
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, member)| (name.as_str(), member))
}

fn parameters(operation: &'static Value, place: &str) -> Vec<&'static str> {
    list(&operation["parameters"])
        .map(resolved)
        .filter(|parameter| parameter["in"] == place)
        .filter_map(|parameter| parameter["name"].as_str())
        .collect()
}

/// The types of the problems that may come with a status.
fn problem_types(operation: &'static Value, status: u16) -> Vec<&'static str> {
    let response = resolved(&operation["responses"][status.to_string()]);
    members(&response["content"]["application/problem+json"]["examples"])
        .filter_map(|(_, example)| example["value"]["type"].as_str())
        .collect()
}

#[tokio::test]
async fn it_is_served_as_openapi_3_1() {
    let service = Service::start().await;
    let answer = service.get(Caller::Nobody, "/openapi.json").await;
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.of(200), *DOCUMENT);
    let version = DOCUMENT["openapi"].as_str().expect("a version");
    assert!(version.starts_with("3.1."), "{version}");
}

#[test]
fn the_committed_document_is_that_of_the_code() {
    assert!(
        COMMITTED == api::openapi_json(),
        "the document has changed; write it anew and commit it:\n\n  cargo run -q -p api --example openapi > docs/openapi/openapi.json\n"
    );
}

#[test]
fn every_operation_says_what_it_is_and_whose() {
    let tags: Vec<&Value> = list(&DOCUMENT["tags"]).map(|tag| &tag["name"]).collect();
    let mut names = Vec::new();
    for (route, operation) in operations() {
        let what = format!("{} {}", route.method, route.path);
        for words in ["summary", "description", "operationId"] {
            assert!(
                operation[words]
                    .as_str()
                    .is_some_and(|words| !words.is_empty()),
                "{what}: {words}"
            );
        }
        names.push(operation["operationId"].as_str());
        let tagged: Vec<&Value> = list(&operation["tags"]).collect();
        assert_eq!(tagged.len(), 1, "{what}");
        assert!(
            tags.contains(&tagged[0]),
            "{what}: {} has no description",
            tagged[0]
        );
        let needs_token = operation["security"][0].get("bearer").is_some();
        assert_eq!(needs_token, route.access != Access::Open, "{what}");
        assert_eq!(
            operation["requestBody"].is_object(),
            route.body != BodyRule::None,
            "{what}"
        );
        assert!(operation.get("x-problems").is_none(), "{what}");
    }
    let all = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), all, "operations have names of their own");
}

#[test]
fn every_answer_has_words_headers_and_for_json_a_schema_with_an_example() {
    for (route, operation) in operations() {
        let mut succeeds = false;
        for (status, response) in members(&operation["responses"]) {
            let what = format!("{} {}: {status}", route.method, route.path);
            succeeds |= status.starts_with('2');
            let response = resolved(response);
            assert!(response["description"].is_string(), "{what}");
            assert_eq!(
                resolved(&response["headers"]["x-trace-id"])["required"],
                true,
                "{what}"
            );
            assert!(response["headers"]["x-request-id"].is_object(), "{what}");
            assert_eq!(response["content"].is_null(), status == "204", "{what}");
            for (media_type, media) in members(&response["content"]) {
                assert!(!media["schema"].is_null(), "{what} {media_type}");
                assert!(
                    status.starts_with('2') || media_type == "application/problem+json",
                    "{what}"
                );
                let fits = validator(media["schema"].clone());
                let one = media.get("example");
                let many = members(&media["examples"]).map(|(_, example)| &example["value"]);
                let examples: Vec<&Value> = one.into_iter().chain(many).collect();
                assert!(
                    !examples.is_empty() || !media_type.ends_with("json"),
                    "{what} {media_type}"
                );
                for example in examples {
                    assert!(fits.is_valid(example), "{what}: {example}");
                }
            }
        }
        assert!(succeeds, "{} {} never succeeds", route.method, route.path);
    }
}

#[test]
fn every_body_has_a_closed_schema_and_an_example_of_it() {
    for (route, operation) in operations().filter(|(route, _)| route.body != BodyRule::None) {
        let what = format!("{} {}", route.method, route.path);
        assert_eq!(operation["requestBody"]["required"], true, "{what}");
        let media = &operation["requestBody"]["content"]["application/json"];
        let fits = validator(media["schema"].clone());
        assert!(
            fits.is_valid(&media["example"]),
            "{what}: {}",
            media["example"]
        );
        let mut unknown = media["example"].clone();
        unknown["nope"] = Value::from(1);
        assert!(!fits.is_valid(&unknown), "{what} takes unknown members");
    }
}

/// Row by row: who may be refused what, before a handler runs.
#[test]
fn refusals_follow_from_the_access_table() {
    let types = |kinds: &[ProblemKind]| -> Vec<String> {
        kinds.iter().map(|kind| kind.problem_type()).collect()
    };
    for (route, operation) in operations() {
        let what = format!("{} {}", route.method, route.path);
        let token = route.access != Access::Open;
        let body = route.body != BodyRule::None;
        let keyed = token && route.method == "POST";
        let versioned = parameters(operation, "header").contains(&"If-Match");
        for (applies, kinds) in [
            (true, &[ProblemKind::VALIDATION, ProblemKind::INTERNAL][..]),
            (
                token,
                &[
                    ProblemKind::UNAUTHORIZED,
                    ProblemKind::FORBIDDEN,
                    ProblemKind::RATE_LIMITED,
                ],
            ),
            (
                token,
                &[ProblemKind::UNAVAILABLE, ProblemKind::KEYS_UNAVAILABLE],
            ),
            (
                body,
                &[
                    ProblemKind::REQUEST_TIMEOUT,
                    ProblemKind::PAYLOAD_TOO_LARGE,
                    ProblemKind::UNSUPPORTED_MEDIA_TYPE,
                ],
            ),
            (
                keyed,
                &[
                    ProblemKind::IDEMPOTENCY_KEY_IN_USE,
                    ProblemKind::IDEMPOTENCY_KEY_REUSED,
                ],
            ),
            (versioned, &[ProblemKind::PRECONDITION_FAILED]),
        ] {
            for (kind, problem_type) in kinds.iter().zip(types(kinds)) {
                let told =
                    problem_types(operation, kind.status.as_u16()).contains(&problem_type.as_str());
                // Some handlers of open routes ask the database too.
                assert!(
                    told == applies || *kind == ProblemKind::UNAVAILABLE && !applies,
                    "{what}: {problem_type}"
                );
            }
        }
    }
}

#[test]
fn refusals_tell_what_to_do_in_their_headers() {
    for (route, operation) in operations() {
        for (status, response) in members(&operation["responses"]) {
            let header = match status {
                "401" => "WWW-Authenticate",
                "429" | "503" => "Retry-After",
                _ => continue,
            };
            let sent = &resolved(response)["headers"][header];
            assert!(
                sent.is_object(),
                "{} {}: {status} without {header}",
                route.method,
                route.path
            );
        }
    }
    let not_allowed = &DOCUMENT["components"]["responses"]["MethodNotAllowed"];
    assert!(not_allowed["headers"]["Allow"].is_object());
}

#[test]
fn every_parameter_is_described_with_its_real_schema() {
    for (route, operation) in operations() {
        let what = format!("{} {}", route.method, route.path);
        let in_path: Vec<&str> = route
            .path
            .split('{')
            .skip(1)
            .filter_map(|rest| rest.split('}').next())
            .collect();
        assert_eq!(parameters(operation, "path"), in_path, "{what}");
        let headers = parameters(operation, "header");
        assert!(
            headers.contains(&"traceparent") && headers.contains(&"x-request-id"),
            "{what}"
        );
        let named = route.method == "POST" && route.path.starts_with(crate::service::API);
        assert_eq!(headers.contains(&"Idempotency-Key"), named, "{what}");
        for parameter in list(&operation["parameters"]).map(resolved) {
            let schema = resolved(&parameter["schema"]);
            let described = parameter
                .get("description")
                .or_else(|| schema.get("description"));
            assert!(
                described.is_some_and(Value::is_string),
                "{what}: {parameter}"
            );
            assert!(schema["type"].is_string(), "{what}: {parameter}");
            assert_eq!(
                parameter["required"] == true,
                parameter["in"] == "path",
                "{what}: {parameter}"
            );
        }
    }
}

/// Lists have the rows that the contract says, 100 unless asked otherwise.
#[test]
fn every_list_is_limited_alike() {
    let mut lists = 0;
    for (route, operation) in operations() {
        let mut described = list(&operation["parameters"]).map(resolved);
        let Some(limit) = described.find(|parameter| parameter["name"] == "limit") else {
            continue;
        };
        lists += 1;
        let limits = ["minimum", "maximum", "default"].map(|name| &limit["schema"][name]);
        let expected = [1, 1000, 100].map(Value::from);
        assert_eq!(
            limits,
            expected.each_ref(),
            "{} {}",
            route.method,
            route.path
        );
        assert!(parameters(operation, "query").contains(&"cursor"));
    }
    assert!(lists > 15, "{lists} lists");
}

#[test]
fn every_schema_of_an_object_is_described() {
    for (name, schema) in members(&DOCUMENT["components"]["schemas"]) {
        assert!(schema["description"].is_string(), "{name}");
    }
}

#[test]
fn every_reference_leads_somewhere_and_every_component_is_used() {
    let mut references = Vec::new();
    collect_references(&DOCUMENT, &mut references);
    for reference in &references {
        let pointer = reference
            .strip_prefix('#')
            .expect("a reference within the document");
        assert!(DOCUMENT.pointer(pointer).is_some(), "{reference}");
    }
    for kind in ["schemas", "parameters", "headers", "responses"] {
        for (name, _) in members(&DOCUMENT["components"][kind]) {
            let reference = format!("#/components/{kind}/{name}");
            // A method that is not there has no operation that could say so.
            assert!(
                references.contains(&reference) || name == "MethodNotAllowed",
                "{reference}"
            );
        }
    }
}

fn collect_references(value: &Value, references: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                match member {
                    Value::String(reference) if name == "$ref" => {
                        references.push(reference.clone());
                    }
                    _ => collect_references(member, references),
                }
            }
        }
        Value::Array(items) => items
            .iter()
            .for_each(|item| collect_references(item, references)),
        _ => {}
    }
}
