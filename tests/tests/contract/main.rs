//! The HTTP contract as it was released: what clients were built on stays.
//!
//! `breaks` compares two documents and `schema` two schemas of them; `kinds_of_breaks` and `additions` are
//! the tables of cases, on a `small_contract`.

mod additions;
mod breaks;
mod kinds_of_breaks;
mod schema;
mod small_contract;

use serde_json::Value;

const CURRENT: &str = include_str!("../../../docs/openapi/openapi.json");
const RELEASED: &str = include_str!("../../../docs/openapi/released.json");

#[test]
fn the_current_document_breaks_nothing_that_was_released() {
    let [released, current] =
        [RELEASED, CURRENT].map(|text| serde_json::from_str::<Value>(text).expect("JSON"));
    let found = breaks::breaks(&released, &current);
    assert!(
        found.is_empty(),
        "clients of docs/openapi/released.json would break:\n{}\n\nKeep what was there and add beside it. How a release \
         is made: docs/openapi/README.md.",
        found.join("\n")
    );
}
