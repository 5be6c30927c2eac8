//! The document describes what is there.

use serde_json::Value;

use crate::service::{Caller, Service};

async fn document() -> Value {
    let service = Service::start().await;
    let answer = service.get(Caller::Nobody, "/openapi.json").await;
    assert_eq!(answer.header("content-type"), Some("application/json"));
    answer.of(200)
}

fn operations(document: &Value) -> impl Iterator<Item = (String, &Value)> {
    let paths = document["paths"].as_object().expect("paths");
    paths.iter().flat_map(|(path, item)| {
        let members = item.as_object().expect("a path item").iter();
        let operations = members
            .filter(|(name, _)| ["get", "put", "post", "patch", "delete"].contains(&name.as_str()));
        operations.map(move |(method, operation)| (format!("{method} {path}"), operation))
    })
}

#[tokio::test]
async fn it_is_openapi_3_1_with_a_bearer_scheme() {
    let document = document().await;
    let version = document["openapi"].as_str().expect("a version");
    assert!(version.starts_with("3.1."), "{version}");
    assert_eq!(
        document["components"]["securitySchemes"]["bearer"]["scheme"],
        "bearer"
    );
    for (operation, described) in operations(&document) {
        let open = ["/livez", "/readyz", "/openapi.json", "/dev/"]
            .iter()
            .any(|path| operation.contains(path));
        let needs_token = described["security"][0].get("bearer").is_some();
        assert_eq!(needs_token, !open, "{operation}");
    }
}

#[tokio::test]
async fn every_operation_has_its_answers_and_its_refusals() {
    let document = document().await;
    for (operation, described) in operations(&document) {
        let responses = described["responses"].as_object().expect("responses");
        assert!(
            responses.keys().any(|status| status.starts_with('2')),
            "{operation} never succeeds"
        );
        let refusals: Vec<_> = responses
            .iter()
            .filter(|(status, _)| status.starts_with(['4', '5']))
            .collect();
        assert!(!refusals.is_empty(), "{operation} never refuses");
        for (status, refusal) in refusals {
            let schema = &refusal["content"]["application/problem+json"]["schema"]["$ref"];
            assert_eq!(
                *schema, "#/components/schemas/Problem",
                "{operation} {status}"
            );
        }
        let takes_a_body = ["put", "post", "patch"]
            .iter()
            .any(|method| operation.starts_with(method));
        assert_eq!(
            described.get("requestBody").is_some(),
            takes_a_body,
            "{operation}"
        );
        assert!(described["operationId"].is_string(), "{operation}");
        let words = described["summary"]
            .as_str()
            .or_else(|| described["description"].as_str());
        assert!(
            words.is_some_and(|words| !words.is_empty()),
            "{operation} says nothing of itself"
        );
    }
}

#[tokio::test]
async fn every_id_in_a_path_is_a_parameter() {
    let document = document().await;
    for (operation, described) in operations(&document) {
        let in_path: Vec<&str> = operation
            .split('{')
            .skip(1)
            .filter_map(|rest| rest.split('}').next())
            .collect();
        let parameters = described["parameters"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let described: Vec<&str> = parameters
            .iter()
            .filter(|parameter| parameter["in"] == "path")
            .filter_map(|parameter| parameter["name"].as_str())
            .collect();
        assert_eq!(described, in_path, "{operation}");
    }
}

#[tokio::test]
async fn every_post_with_a_token_takes_an_idempotency_key() {
    let document = document().await;
    for (operation, described) in operations(&document) {
        let parameters = described["parameters"].as_array();
        let takes_key = parameters
            .into_iter()
            .flatten()
            .any(|parameter| parameter["in"] == "header" && parameter["name"] == "Idempotency-Key");
        let expected = operation.starts_with("post ") && !operation.contains(" /dev/");
        assert_eq!(takes_key, expected, "{operation}");
        assert_eq!(
            described["responses"].get("422").is_some(),
            expected,
            "{operation}"
        );
    }
}

#[tokio::test]
async fn operations_have_names_of_their_own() {
    let document = document().await;
    let mut names: Vec<&str> = operations(&document)
        .filter_map(|(_, described)| described["operationId"].as_str())
        .collect();
    let all = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), all);
}

#[tokio::test]
async fn every_reference_leads_somewhere() {
    let document = document().await;
    let mut references = Vec::new();
    collect_references(&document, &mut references);
    assert!(references.len() > 50, "{}", references.len());
    for reference in references {
        let pointer = reference
            .strip_prefix('#')
            .expect("a reference within the document");
        assert!(document.pointer(pointer).is_some(), "{reference}");
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
