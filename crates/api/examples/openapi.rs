//! Prints the document, as it is committed in `docs/openapi/openapi.json`.

fn main() {
    print!("{}", api::openapi_json());
}
