//! Each kind of break is found at its place.

use serde_json::json;

use crate::breaks::breaks;
use crate::small_contract::{GET, PUT, PUT_THING, THING, changed, released};

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
