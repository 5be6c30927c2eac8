//! An addition, and what only says more, breaks nothing.

use serde_json::json;

use crate::breaks::breaks;
use crate::small_contract::{GET, PUT, PUT_THING, THING, changed, released};

#[test]
fn an_addition_or_a_more_definite_answer_breaks_nothing() {
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
