//! The header, as the API's document describes it.

use utoipa::openapi::path::{Operation, ParameterBuilder, ParameterIn};
use utoipa::openapi::{ObjectBuilder, RefOr, Required, ResponseBuilder, Type};

/// Adds the header and its refusals to the description of a route that takes it.
pub(crate) fn describe(operation: &mut Operation) {
    let key = ObjectBuilder::new()
        .schema_type(Type::String)
        .min_length(Some(1))
        .max_length(Some(255))
        .pattern(Some("^[ -~]+$"));
    let header = ParameterBuilder::new()
        .name("Idempotency-Key")
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(
            "A name of the caller's for this request. Sent again within 24 h, it is not run again: \
             it is answered as the first time, with `Idempotency-Replayed: true`.",
        ))
        .schema(Some(key))
        .build();
    operation
        .parameters
        .get_or_insert_default()
        .push(RefOr::T(header));
    for (status, words) in [
        ("409", "an earlier request with this key is being answered"),
        ("422", "the key was used with another body"),
    ] {
        let answers = &mut operation.responses.responses;
        answers
            .entry(status.to_owned())
            .or_insert_with(|| RefOr::T(ResponseBuilder::new().description(words).build()));
    }
}
