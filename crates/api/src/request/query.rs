//! The strict parsing of query parameters: unknown, repeated and invalid ones are refused by name.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use percent_encoding::percent_decode_str;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};

use super::parameter::ParameterValue;
use crate::problem::{FieldError, Problem};

/// The query parameters of an endpoint. [`query_parameters!`] declares them.
pub trait QueryParameters: Sized {
    /// Takes the declared parameters out of the given ones. Parameters that are left over are refused.
    fn take(given: &mut GivenParameters) -> Self;
}

/// Declares the query parameters of an endpoint: names, types and descriptions.
///
/// Each field is the parameter with the field's name. Its doc comment is the description in the OpenAPI document;
/// its type, a [`ParameterValue`], decides how the text is parsed, what a refusal says and what the schema is.
macro_rules! query_parameters {
    (
        $(#[doc = $about:literal])*
        $visibility:vis struct $Parameters:ident {
            $($(#[doc = $description:literal])+ $name:ident: $Value:ty,)+
        }
    ) => {
        $(#[doc = $about])*
        #[derive(Clone, Debug)]
        $visibility struct $Parameters {
            $($(#[doc = $description])+ $visibility $name: Option<$Value>,)+
        }

        impl $crate::request::QueryParameters for $Parameters {
            fn take(given: &mut $crate::request::GivenParameters) -> Self {
                Self {
                    $($name: given.take(stringify!($name)),)+
                }
            }
        }

        impl utoipa::IntoParams for $Parameters {
            fn into_params(
                _: impl Fn() -> Option<utoipa::openapi::path::ParameterIn>,
            ) -> Vec<utoipa::openapi::path::Parameter> {
                vec![$(
                    $crate::request::describe_parameter::<$Value>(stringify!($name), &[$($description),+]),
                )+]
            }
        }
    };
}
pub(crate) use query_parameters;

/// The query parameters of a request, parsed as `P`.
pub struct Query<P>(pub P);

/// The filter of a list as the caller wrote it: names and values of all parameters except `limit` and `cursor`.
pub struct RequestedFilter(pub Vec<(String, String)>);

/// The extractor of an endpoint without query parameters: it refuses any that are given.
pub struct NoQuery;

/// The parameters of a request that are not taken yet, and the errors found in those that were.
#[derive(Debug, Default)]
pub struct GivenParameters {
    given: Vec<(String, String)>,
    errors: Vec<FieldError>,
}

impl GivenParameters {
    fn parse(query: &str) -> Self {
        let mut parameters = Self::default();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            match (decode(name), decode(value)) {
                (Some(name), Some(value)) => parameters.given.push((name, value)),
                (name, _) => parameters.errors.push(FieldError::parameter(
                    name.unwrap_or_default(),
                    "must be percent-encoded UTF-8",
                )),
            }
        }
        parameters
    }

    /// Takes the parameter with this name. The prefix `r#` of a raw identifier is not part of the name: `r#type` is
    /// the parameter `type`.
    pub fn take<T: ParameterValue>(&mut self, name: &str) -> Option<T> {
        let name = strip_raw_prefix(name);
        let at = self.given.iter().position(|(given, _)| given == name)?;
        let text = self.given.remove(at).1;
        if self.given.iter().any(|(given, _)| given == name) {
            self.given.retain(|(given, _)| given != name);
            self.refuse(name, "must be given once");
        }
        let value = T::parse(&text);
        if value.is_none() {
            self.refuse(name, T::rule());
        }
        value
    }

    fn refuse(&mut self, name: &str, rule: impl Into<String>) {
        self.errors.push(FieldError::parameter(name, rule));
    }

    fn finish(mut self) -> Result<(), Problem> {
        for (name, _) in std::mem::take(&mut self.given) {
            self.refuse(&name, "is not a parameter of this resource");
        }
        if self.errors.is_empty() {
            Ok(())
        } else {
            Err(Problem::invalid(self.errors))
        }
    }
}

/// Describes a parameter for the OpenAPI document.
pub fn describe_parameter<T: ParameterValue>(name: &str, description: &[&str]) -> Parameter {
    let lines: Vec<&str> = description.iter().map(|line| line.trim()).collect();
    ParameterBuilder::new()
        .name(strip_raw_prefix(name))
        .parameter_in(ParameterIn::Query)
        .description(Some(lines.join(" ")))
        .schema(Some(T::schema()))
        .build()
}

fn strip_raw_prefix(name: &str) -> &str {
    name.strip_prefix("r#").unwrap_or(name)
}

/// Decodes a name or a value (`application/x-www-form-urlencoded`); `None` if it is not percent-encoded UTF-8.
fn decode(text: &str) -> Option<String> {
    // Checked first, because `percent_decode_str` keeps a `%` without two digits, which a caller that does not
    // encode sends.
    let has_digits = |rest: &str| {
        let digits = rest.as_bytes().get(..2);
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    };
    if !text.split('%').skip(1).all(has_digits) {
        return None;
    }
    let spaced = text.replace('+', " ");
    let decoded = percent_decode_str(&spaced).decode_utf8().ok()?;
    Some(decoded.into_owned())
}

impl<A: QueryParameters, B: QueryParameters> QueryParameters for (A, B) {
    fn take(given: &mut GivenParameters) -> Self {
        (A::take(given), B::take(given))
    }
}

impl<S: Send + Sync, P: QueryParameters> FromRequestParts<S> for Query<P> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let mut given = GivenParameters::parse(parts.uri.query().unwrap_or_default());
        let parameters = P::take(&mut given);
        given.finish()?;
        Ok(Self(parameters))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for RequestedFilter {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let mut given = GivenParameters::parse(parts.uri.query().unwrap_or_default()).given;
        given.retain(|(name, _)| name != "limit" && name != "cursor");
        Ok(Self(given))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for NoQuery {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let given = GivenParameters::parse(parts.uri.query().unwrap_or_default());
        given.finish().map(|()| Self)
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};
    use utoipa::IntoParams as _;

    use super::*;

    query_parameters! {
        struct TestParameters {
            /// Only active ones,
            /// or only others.
            active: bool,
            /// Before this instant.
            r#type: DateTime<Utc>,
        }
    }

    fn refused(query: &str) -> Vec<String> {
        let mut given = GivenParameters::parse(query);
        TestParameters::take(&mut given);
        match given.finish() {
            Ok(()) => Vec::new(),
            Err(problem) => format!("{problem:?}")
                .split("parameter: Some(\"")
                .skip(1)
                .filter_map(|rest| rest.split('"').next().map(str::to_owned))
                .collect(),
        }
    }

    #[test]
    fn a_parameter_that_is_unknown_repeated_or_invalid_is_refused_by_name() {
        for (query, names) in [
            ("", vec![]),
            ("active=true&type=2026-11-23T08%3A00%3A00%2B01:00", vec![]),
            ("active=yes", vec!["active"]),
            ("active=true&active=true", vec!["active"]),
            ("nope=1&active=false", vec!["nope"]),
            ("active=%ff", vec!["active"]),
            ("active=%f", vec!["active"]),
            ("active=%+1", vec!["active"]),
            ("type=2026-11-23T08:00:00", vec!["type"]),
        ] {
            assert_eq!(refused(query), names, "{query}");
        }
    }

    #[test]
    fn a_parameter_is_parsed_as_a_value_of_its_type() {
        let mut given = GivenParameters::parse("type=2026-11-23T09%3A00%3A00%2B01:00");
        let parameters = TestParameters::take(&mut given);
        assert_eq!(parameters.active, None);
        let time = parameters.r#type.map(|time| time.to_rfc3339());
        assert_eq!(time.as_deref(), Some("2026-11-23T08:00:00+00:00"));
    }

    #[test]
    fn names_and_values_are_decoded() {
        for (text, decoded) in [
            ("a+b%2Bc", Some("a b+c")),
            ("b%C3%bcs", Some("b\u{fc}s")),
            ("%", None),
            ("100%", None),
            ("%zz", None),
            ("%ff", None),
        ] {
            assert_eq!(decode(text).as_deref(), decoded, "{text}");
        }
    }

    #[test]
    fn the_document_has_a_parameter_as_it_is_declared() {
        let described = TestParameters::into_params(|| None);
        let described = serde_json::to_value(described).expect("JSON");
        assert_eq!(
            described[0],
            serde_json::json!({
                "name": "active", "in": "query", "required": false,
                "description": "Only active ones, or only others.", "schema": {"type": "boolean"},
            })
        );
        assert_eq!(described[1]["name"], "type");
    }
}
