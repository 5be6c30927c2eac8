//! Examples of schemas, built from the examples of their parts.

use serde_json::{Map, Value, json};

/// Builds a value of a schema: the schema's own example, or a value made of the examples of its parts.
pub(super) fn build_example(schema: &Value, components: &Map<String, Value>) -> Value {
    if let Some(example) = schema.get("example").or_else(|| schema.get("default")) {
        return example.clone();
    }
    if let Some(name) = schema["$ref"]
        .as_str()
        .and_then(|path| path.strip_prefix("#/components/schemas/"))
    {
        return components
            .get(name)
            .map_or(Value::Null, |schema| build_example(schema, components));
    }
    for choice in ["oneOf", "anyOf"] {
        if let Some(schemas) = schema[choice].as_array() {
            let something = schemas.iter().find(|schema| schema["type"] != "null");
            return something.map_or(Value::Null, |schema| build_example(schema, components));
        }
    }
    if let Some(schemas) = schema["allOf"].as_array() {
        return all_of(schemas, schema, components);
    }
    match type_of(schema) {
        Some("object") => object(schema, components),
        Some("array") => json!([build_example(&schema["items"], components)]),
        Some("boolean") => json!(true),
        Some("integer" | "number") => schema.get("minimum").cloned().unwrap_or(json!(0)),
        Some("string") => json!(match schema["format"].as_str() {
            Some("date-time") => "2026-11-23T08:00:00Z",
            Some("uuid") => "019ab0c4-6d2f-7c3e-9b1a-5f0e8d7c6b5a",
            _ => schema["enum"][0].as_str().unwrap_or_default(),
        }),
        _ => Value::Null,
    }
}

/// Returns the type of a schema; for a nullable one, the type other than `null`.
fn type_of(schema: &Value) -> Option<&str> {
    match &schema["type"] {
        Value::Array(types) => types
            .iter()
            .filter_map(Value::as_str)
            .find(|name| *name != "null"),
        one => one.as_str(),
    }
}

fn object(schema: &Value, components: &Map<String, Value>) -> Value {
    let properties = schema["properties"].as_object().into_iter().flatten();
    let example =
        properties.map(|(name, schema)| (name.clone(), build_example(schema, components)));
    // Left out, because a caller need not send members that are accepted and ignored.
    Value::Object(
        example
            .filter(|(name, _)| !is_ignored(&schema["properties"][name]))
            .collect(),
    )
}

fn is_ignored(schema: &Value) -> bool {
    schema["$ref"] == "#/components/schemas/Ignored"
}

fn all_of(schemas: &[Value], beside: &Value, components: &Map<String, Value>) -> Value {
    let mut whole = Map::new();
    let own = beside.get("properties").map(|_| object(beside, components));
    for part in schemas
        .iter()
        .map(|schema| build_example(schema, components))
        .chain(own)
    {
        match part {
            Value::Object(members) => whole.extend(members),
            only => return only,
        }
    }
    Value::Object(whole)
}
