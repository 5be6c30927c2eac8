//! A small contract, and changes of it.

use serde_json::{Value, json};

/// A small contract: a list that is filtered, and a thing that is replaced.
pub fn released() -> Value {
    json!({
        "paths": {
            "/things": {"get": {
                "security": [],
                "parameters": [
                    {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": 1000}},
                    {"$ref": "#/components/parameters/state"},
                ],
                "responses": {
                    "200": {
                        "headers": {"ETag": {"required": true, "schema": {"type": "string"}}},
                        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}},
                    },
                    "400": {"description": "refused"},
                },
            }},
            "/things/{id}": {"put": {
                "security": [],
                "parameters": [{"name": "id", "in": "path", "required": true, "schema": {"type": "string", "maxLength": 48, "pattern": "^[a-z]+$"}}],
                "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/PutThing"}}}},
                "responses": {"200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}}}, "204": {}},
            }},
        },
        "components": {
            "parameters": {"state": {"name": "state", "in": "query", "schema": {"type": "string", "enum": ["new", "old"]}}},
            "schemas": {
                "Thing": {
                    "type": "object", "required": ["name", "parts"],
                    "properties": {
                        "name": {"type": "string"},
                        "kind": {"type": "string", "enum": ["big", "small"]},
                        "seen_at": {"type": ["string", "null"], "format": "date-time"},
                        "parts": {"type": "array", "items": {"$ref": "#/components/schemas/Thing"}},
                        "counts": {"type": "object", "additionalProperties": {"type": "integer"}},
                        "owner": {"oneOf": [{"type": "null"}, {"$ref": "#/components/schemas/Owner"}]},
                    },
                },
                "Owner": {"type": "object", "properties": {"name": {"type": "string"}}},
                "PutThing": {
                    "type": "object", "required": ["name"],
                    "properties": {
                        "name": {"type": "string", "maxLength": 200},
                        "size": {"type": "number", "minimum": 0},
                        "note": {"type": ["string", "null"]},
                        "kind": {"type": "string", "enum": ["big", "small"]},
                        "tags": {"type": "array", "items": {"type": "string"}, "maxItems": 10},
                    },
                },
            },
        },
    })
}

/// The contract with one thing put in another's place, or taken away.
pub fn changed(pointer: &str, value: Option<Value>) -> Value {
    let mut document = released();
    let (parent, name) = pointer.rsplit_once('/').expect("a pointer");
    let name = name.replace("~1", "/");
    let parent = document.pointer_mut(parent).expect("something to change");
    match (parent, value) {
        (Value::Array(items), Some(value)) => items.push(value),
        (Value::Array(items), None) => drop(items.remove(name.parse().expect("a place"))),
        (parent, Some(value)) => parent[&name] = value,
        (parent, None) => drop(
            parent
                .as_object_mut()
                .expect("members")
                .remove(&name)
                .expect("a member to remove"),
        ),
    }
    document
}

pub const GET: &str = "/paths/~1things/get";
pub const PUT: &str = "/paths/~1things~1{id}/put";
pub const THING: &str = "/components/schemas/Thing";
pub const PUT_THING: &str = "/components/schemas/PutThing";
