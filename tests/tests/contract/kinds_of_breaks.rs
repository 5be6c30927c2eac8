//! Each kind of break is found, and what is merely added is not.

use serde_json::{Value, json};

use crate::breaks::breaks;

/// A small contract: a list that is filtered, and a thing that is replaced.
fn released() -> Value {
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
fn changed(pointer: &str, value: Option<Value>) -> Value {
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

const GET: &str = "/paths/~1things/get";
const PUT: &str = "/paths/~1things~1{id}/put";
const THING: &str = "/components/schemas/Thing";
const PUT_THING: &str = "/components/schemas/PutThing";

#[test]
fn every_kind_of_break_is_found_at_its_place() {
    let cases = [
        ("/paths/~1things".to_owned(), None, "GET /things is gone"),
        (PUT.to_owned(), None, "PUT /things/{id} is gone"),
        (
            format!("{GET}/security"),
            Some(json!([{"bearer": []}])),
            "GET /things needs a token",
        ),
        (
            format!("{PUT}/responses/204"),
            None,
            "PUT /things/{id} 204 is gone",
        ),
        (
            format!("{GET}/responses/200/content/application~1json"),
            None,
            "200 application/json is gone",
        ),
        (
            format!("{GET}/responses/200/headers/ETag"),
            None,
            "header ETag is gone",
        ),
        (
            format!("{GET}/responses/200/headers/ETag/required"),
            Some(json!(false)),
            "header ETag is gone",
        ),
        (format!("{THING}/properties/name"), None, "/name is gone"),
        (
            format!("{THING}/properties/name/type"),
            Some(json!("integer")),
            "/name has the type",
        ),
        (
            format!("{THING}/properties/name/type"),
            Some(json!(["string", "null"])),
            "/name has the type",
        ),
        (
            format!("{THING}/properties/name"),
            Some(json!({})),
            "/name has the type",
        ),
        (
            format!("{THING}/properties/seen_at/format"),
            None,
            "/seen_at has the format",
        ),
        (
            format!("{THING}/properties/kind/enum/-"),
            Some(json!("huge")),
            "/kind has the words",
        ),
        (
            format!("{THING}/properties/kind/enum"),
            None,
            "/kind has the words",
        ),
        (format!("{THING}/required/0"), None, "/name may be absent"),
        (
            format!("{THING}/properties/parts/items"),
            Some(json!({"type": "string"})),
            "/parts/items has the type",
        ),
        (
            format!("{THING}/properties/counts/additionalProperties/type"),
            Some(json!("string")),
            "/counts/* has the type",
        ),
        (
            format!("{THING}/properties/owner/oneOf/-"),
            Some(json!({"type": "string"})),
            "/owner has another oneOf",
        ),
        (
            format!("{THING}/properties/owner/oneOf"),
            None,
            "/owner has another oneOf",
        ),
        (
            "/components/schemas/Owner/properties/name".to_owned(),
            None,
            "/owner has another oneOf",
        ),
        (format!("{GET}/parameters/0"), None, "\"limit\" is gone"),
        (
            format!("{GET}/parameters/-"),
            Some(json!({"name": "new", "in": "query", "required": true})),
            "is new and required",
        ),
        (
            format!("{GET}/parameters/0/required"),
            Some(json!(true)),
            "\"limit\" is required",
        ),
        (
            format!("{GET}/parameters/0/schema/maximum"),
            Some(json!(100)),
            "\"limit\" has the maximum 100",
        ),
        (
            format!("{GET}/parameters/0/schema/minimum"),
            Some(json!(2)),
            "\"limit\" has the minimum 2",
        ),
        (
            "/components/parameters/state/schema/enum/0".to_owned(),
            None,
            "\"state\" has the words",
        ),
        (
            format!("{PUT}/parameters/0/schema/maxLength"),
            Some(json!(47)),
            "\"id\" has the maxLength 47",
        ),
        (
            format!("{PUT}/parameters/0/schema/minLength"),
            Some(json!(2)),
            "\"id\" has the minLength 2",
        ),
        (
            format!("{PUT}/parameters/0/schema/pattern"),
            Some(json!("^[a-f]+$")),
            "\"id\" has another pattern",
        ),
        (
            format!("{PUT}/requestBody"),
            None,
            "body application/json is gone",
        ),
        (
            format!("{PUT}/requestBody/required"),
            Some(json!(true)),
            "body is required",
        ),
        (
            format!("{PUT_THING}/properties/size"),
            None,
            "/size is gone",
        ),
        (
            format!("{PUT_THING}/required/-"),
            Some(json!("size")),
            "/size is required",
        ),
        (
            format!("{PUT_THING}/properties/size/type"),
            Some(json!("integer")),
            "/size has the type",
        ),
        (
            format!("{PUT_THING}/properties/note/type"),
            Some(json!("string")),
            "/note has the type",
        ),
        (
            format!("{PUT_THING}/properties/note/format"),
            Some(json!("uuid")),
            "/note has the format",
        ),
        (
            format!("{PUT_THING}/properties/note/enum"),
            Some(json!(["a"])),
            "/note has the words",
        ),
        (
            format!("{PUT_THING}/properties/kind/enum/0"),
            None,
            "/kind has the words",
        ),
        (
            format!("{PUT_THING}/properties/tags/maxItems"),
            Some(json!(5)),
            "/tags has the maxItems 5",
        ),
        (
            format!("{PUT_THING}/additionalProperties"),
            Some(json!(false)),
            "takes no other members",
        ),
    ];
    for (pointer, value, expected) in cases {
        let found = breaks(&released(), &changed(&pointer, value.clone()));
        assert!(
            found.iter().any(|found| found.contains(expected)),
            "{pointer} to {value:?}: {found:?}"
        );
    }
}

#[test]
fn additions_and_what_only_says_more_break_nothing() {
    let cases = [
        (
            "/paths/~1new".to_owned(),
            Some(json!({"get": {"responses": {"200": {}}}})),
        ),
        (
            "/paths/~1things/post".to_owned(),
            Some(json!({"responses": {"201": {}}})),
        ),
        (
            format!("{GET}/responses/429"),
            Some(json!({"description": "refused"})),
        ),
        (format!("{GET}/responses/400"), None),
        (
            format!("{GET}/responses/200/content/text~1csv"),
            Some(json!({"schema": {"type": "string"}})),
        ),
        (
            format!("{GET}/responses/200/headers/x-new"),
            Some(json!({"schema": {"type": "string"}})),
        ),
        (
            format!("{GET}/parameters/-"),
            Some(json!({"name": "new", "in": "query", "schema": {"type": "string"}})),
        ),
        (
            format!("{GET}/parameters/0/schema/maximum"),
            Some(json!(5000)),
        ),
        (format!("{GET}/parameters/0/schema/minimum"), None),
        (
            "/components/parameters/state/schema/enum/-".to_owned(),
            Some(json!("middle-aged")),
        ),
        (format!("{PUT}/parameters/0/schema/pattern"), None),
        (
            format!("{THING}/properties/new"),
            Some(json!({"type": "string"})),
        ),
        (format!("{THING}/properties/kind/enum/0"), None),
        (
            format!("{THING}/properties/seen_at/type"),
            Some(json!("string")),
        ),
        (format!("{THING}/properties/name/maxLength"), Some(json!(5))),
        (
            format!("{THING}/properties/name/description"),
            Some(json!("words")),
        ),
        (format!("{THING}/required/-"), Some(json!("kind"))),
        (
            format!("{PUT_THING}/properties/new"),
            Some(json!({"type": "string"})),
        ),
        (format!("{PUT_THING}/required/0"), None),
        (
            format!("{PUT_THING}/properties/name/type"),
            Some(json!(["string", "null"])),
        ),
        (
            format!("{PUT_THING}/properties/name/maxLength"),
            Some(json!(500)),
        ),
        (
            format!("{PUT_THING}/properties/kind/enum/-"),
            Some(json!("huge")),
        ),
        (
            format!("{PUT_THING}/properties/size/type"),
            Some(json!(["number", "string"])),
        ),
    ];
    for (pointer, value) in cases {
        let found = breaks(&released(), &changed(&pointer, value.clone()));
        assert!(found.is_empty(), "{pointer} to {value:?}: {found:?}");
    }
}

#[test]
fn a_contract_does_not_break_itself() {
    assert_eq!(breaks(&released(), &released()), Vec::<String>::new());
}
