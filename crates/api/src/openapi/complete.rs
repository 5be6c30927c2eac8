//! Completes the OpenAPI document that the attributes of handlers make. Security, parameters, headers, examples
//! and refusals follow from the access table, so no handler repeats them.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::{example, headers, parameters, refusals, schema};
use crate::access::{Access, Route, TABLE};
use crate::problem::ProblemKind;

/// Completes the document in place.
pub(super) fn complete(document: &mut Value) {
    let mut components = match document["components"].take() {
        Value::Object(components) => components,
        _ => Map::new(),
    };
    let mut schemas = match components.remove("schemas") {
        Some(Value::Object(schemas)) => schemas,
        _ => Map::new(),
    };
    schemas.extend(schema::definitions());
    let mut refused = BTreeSet::from([vec![ProblemKind::METHOD_NOT_ALLOWED.slug]]);
    for route in TABLE {
        let method = route.method.as_str().to_ascii_lowercase();
        let tagged = has_versions(&document["paths"][route.path]);
        if let Some(operation) = document["paths"][route.path].get_mut(&method) {
            for kinds in complete_operation(operation, route, tagged, &schemas) {
                refused.insert(kinds.iter().map(|kind| kind.slug).collect());
            }
        }
    }
    let responses: Map<String, Value> = refused
        .iter()
        .map(|slugs| {
            let kinds: Vec<_> = slugs
                .iter()
                .filter_map(|slug| ProblemKind::named(slug))
                .collect();
            (refusals::component_name(&kinds), refusals::response(&kinds))
        })
        .collect();
    let bearer = json!({
        "type": "http", "scheme": "bearer", "bearerFormat": "JWT",
        "description": "An access token of the configured issuer. Tokens of machines carry scopes, tokens of people carry groups; each operation says which of them it needs.",
    });
    components.insert("schemas".to_owned(), Value::Object(schemas));
    components.insert("responses".to_owned(), Value::Object(responses));
    components.insert(
        "parameters".to_owned(),
        Value::Object(parameters::definitions()),
    );
    components.insert("headers".to_owned(), Value::Object(headers::definitions()));
    components.insert("securitySchemes".to_owned(), json!({"bearer": bearer}));
    document["components"] = Value::Object(components);
}

/// Returns whether the resource of a path has versions, that is, whether any of its operations honours `If-Match`.
fn has_versions(item: &Value) -> bool {
    let operations = item.as_object().into_iter().flatten();
    operations
        .into_iter()
        .any(|(_, operation)| names_parameter(operation, parameters::IF_MATCH))
}

fn names_parameter(operation: &Value, name: &str) -> bool {
    let named = operation["parameters"].as_array();
    named.is_some_and(|named| named.iter().any(|parameter| parameter["name"] == name))
}

/// Completes one operation and returns the problems that it refers to, one list for each status.
fn complete_operation(
    operation: &mut Value,
    route: &Route,
    tagged: bool,
    schemas: &Map<String, Value>,
) -> Vec<Vec<ProblemKind>> {
    let honours_if_match = names_parameter(operation, parameters::IF_MATCH);
    operation["parameters"] = Value::Array(collect_parameters(operation, route));
    operation["security"] = match route.access {
        Access::Open => json!([]),
        _ => json!([{"bearer": []}]),
    };
    let words = operation["description"].as_str().unwrap_or_default();
    operation["description"] =
        json!(format!("{words}\n\n{}", describe_access(route.access)).trim());
    if let Some(content) = operation
        .pointer_mut("/requestBody/content")
        .and_then(Value::as_object_mut)
    {
        add_examples(content, schemas);
    }
    let of_the_handler: Vec<ProblemKind> = operation
        .as_object_mut()
        .and_then(|operation| operation.remove(refusals::OF_THE_HANDLER))
        .and_then(|slugs| serde_json::from_value::<Vec<String>>(slugs).ok())
        .unwrap_or_default()
        .iter()
        .filter_map(|slug| ProblemKind::named(slug))
        .collect();
    let Some(responses) = operation["responses"].as_object_mut() else {
        return Vec::new();
    };
    for (status, response) in responses.iter_mut() {
        let mut sent = headers::of_every_answer();
        let named = response["headers"].get(headers::ETAG).is_some();
        if named || tagged && ["200", "201"].contains(&status.as_str()) {
            sent.extend([headers::reference(headers::ETAG)]);
        }
        response["headers"] = Value::Object(sent);
        if response.get("description").is_none() {
            response["description"] = describe_response(response, schemas);
        }
        if let Some(content) = response.get_mut("content").and_then(Value::as_object_mut) {
            add_examples(content, schemas);
        }
    }
    let refusals = refusals::refusals(route, honours_if_match, &of_the_handler);
    for (status, kinds) in &refusals {
        let name = refusals::component_name(kinds);
        let mut reference = json!({"$ref": format!("#/components/responses/{name}")});
        // The description that the handler gives to its own refusal stands beside the reference.
        let status = status.to_string();
        if let Some(words) = responses
            .get(&status)
            .and_then(|response| response.get("description"))
        {
            reference["description"] = words.clone();
        }
        responses.insert(status, reference);
    }
    refusals.into_values().collect()
}

/// Returns the parameters of the path, those that the handler's attribute names, and those of every request.
fn collect_parameters(operation: &Value, route: &Route) -> Vec<Value> {
    let in_path = route
        .path
        .split('{')
        .skip(1)
        .filter_map(|rest| rest.split('}').next());
    let mut full: Vec<Value> = in_path.map(reference).collect();
    let of_the_handler = operation["parameters"].as_array().into_iter().flatten();
    full.extend(of_the_handler.filter_map(|parameter| {
        match (parameter["in"].as_str(), parameter["name"].as_str()) {
            (Some("query"), _) => Some(parameter.clone()),
            (Some("header"), Some(name)) => Some(reference(name)),
            // Left out here, because the parameters of the path come from the route.
            _ => None,
        }
    }));
    let idempotent = route
        .takes_idempotency_key()
        .then_some(parameters::IDEMPOTENCY_KEY);
    full.extend(idempotent.map(reference));
    full.extend(parameters::OF_EVERY_REQUEST.map(reference));
    full
}

fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/parameters/{name}")})
}

fn add_examples(content: &mut Map<String, Value>, schemas: &Map<String, Value>) {
    for (media_type, media) in content {
        if media_type.ends_with("json") && media.get("example").is_none() {
            media["example"] = example::build_example(&media["schema"], schemas);
        }
    }
}

/// Returns the description of the schema of a response, for a response without a description of its own.
fn describe_response(response: &Value, schemas: &Map<String, Value>) -> Value {
    let name = response["content"]["application/json"]["schema"]["$ref"].as_str();
    let schema = name.and_then(|name| schemas.get(name.rsplit('/').next()?));
    schema.map_or(Value::Null, |schema| schema["description"].clone())
}

fn describe_access(access: Access) -> String {
    match access {
        Access::Open => "Open: needs no token, and ignores one that is sent.".to_owned(),
        Access::Scope(scope) => format!("For machines with the scope `{scope}`."),
        Access::ScopeOrSystemAdmin(scope) => format!("For machines with the scope `{scope}`, and for `system-admin`."),
        Access::Workspace => {
            "For the workspace's viewers and admins, staff, and machines with the scope `telematics/read`.".to_owned()
        }
        Access::WorkspaceAdmin => "For the workspace's admins and `system-admin`.".to_owned(),
        Access::Staff => "For staff, and machines with the scope `telematics/read`.".to_owned(),
        Access::StaffOrWorkspaceAdmin => {
            "For staff, the workspace's admins, and machines with the scope `telematics/read`.".to_owned()
        }
        Access::StaffPeople => "For `accounts`, `support` and `system-admin`.".to_owned(),
        Access::SystemAdminOrSupport => "For `system-admin` and `support`.".to_owned(),
        Access::SystemAdmin => "For `system-admin`.".to_owned(),
    }
}
