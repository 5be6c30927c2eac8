//! Query parameters, strictly: unknown, repeated and unreadable ones are refused by name.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use chrono::{DateTime, SubsecRound, Utc};

use crate::problem::{FieldError, Problem};

/// The parameters of one endpoint.
pub trait QueryParams: Sized {
    /// Takes what the endpoint knows; what is left over is refused.
    fn read(params: &mut Params) -> Self;
}

/// An endpoint's parameters.
pub struct Query<P>(pub P);

/// For an endpoint that has none.
pub struct NoQuery;

/// Parameters yet to be read, and what was wrong with those that were.
#[derive(Debug, Default)]
pub struct Params {
    given: Vec<(String, String)>,
    errors: Vec<FieldError>,
}

impl Params {
    fn of(query: &str) -> Self {
        let given = query
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                (decoded(name), decoded(value))
            });
        let mut params = Self::default();
        for (name, value) in given {
            match (name, value) {
                (Some(name), Some(value)) => params.given.push((name, value)),
                (name, _) => params.errors.push(FieldError::parameter(
                    name.unwrap_or_default(),
                    "must be percent-encoded UTF-8",
                )),
            }
        }
        params
    }

    /// Takes a parameter's text.
    pub fn text(&mut self, name: &str) -> Option<String> {
        let at = self.given.iter().position(|(given, _)| given == name)?;
        let value = self.given.remove(at).1;
        if self.given.iter().any(|(given, _)| given == name) {
            self.given.retain(|(given, _)| given != name);
            self.errors
                .push(FieldError::parameter(name, "must be given once"));
        }
        Some(value)
    }

    /// Takes a parameter that `read` understands.
    pub fn read<T>(
        &mut self,
        name: &str,
        expected: &str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let text = self.text(name)?;
        let value = read(&text);
        if value.is_none() {
            self.errors.push(FieldError::parameter(name, expected));
        }
        value
    }

    /// Takes one of some words.
    pub fn word<T: Copy + std::fmt::Display>(
        &mut self,
        name: &str,
        all: &[T],
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let words: Vec<String> = all.iter().map(ToString::to_string).collect();
        self.read(name, &format!("must be one of {}", words.join(" ")), parse)
    }

    /// Takes `true` or `false`.
    pub fn flag(&mut self, name: &str) -> Option<bool> {
        self.read(name, "must be true or false", |text| text.parse().ok())
    }

    /// Takes a time, which needs an offset; finer than a microsecond is cut off, as it is at every edge.
    pub fn time(&mut self, name: &str) -> Option<DateTime<Utc>> {
        let expected = "must be an RFC 3339 time with an offset";
        self.read(name, expected, |text| {
            let time = DateTime::parse_from_rfc3339(text).ok()?;
            Some(time.to_utc().trunc_subsecs(6))
        })
    }

    fn finish(mut self) -> Result<(), Problem> {
        self.errors.extend(
            self.given.iter().map(|(name, _)| {
                FieldError::parameter(name, "is not a parameter of this resource")
            }),
        );
        if self.errors.is_empty() {
            Ok(())
        } else {
            Err(Problem::invalid(self.errors))
        }
    }
}

/// Percent-decodes one name or value; `None` when it is not UTF-8.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digit = |b: u8| {
                    char::from(b)
                        .to_digit(16)
                        .and_then(|digit| u8::try_from(digit).ok())
                };
                digit(rest.next()?)? * 16 + digit(rest.next()?)?
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

impl<S: Send + Sync, P: QueryParams> FromRequestParts<S> for Query<P> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let mut params = Params::of(parts.uri.query().unwrap_or_default());
        let read = P::read(&mut params);
        params.finish()?;
        Ok(Self(read))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for NoQuery {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Params::of(parts.uri.query().unwrap_or_default())
            .finish()
            .map(|()| Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(query: &str) -> Vec<String> {
        let mut params = Params::of(query);
        params.flag("active");
        params.text("from");
        match params.finish() {
            Ok(()) => Vec::new(),
            Err(problem) => format!("{problem:?}")
                .split("parameter: Some(\"")
                .skip(1)
                .filter_map(|rest| rest.split('"').next().map(str::to_owned))
                .collect(),
        }
    }

    #[test]
    fn what_is_unknown_repeated_or_unreadable_is_named() {
        for (query, names) in [
            ("", vec![]),
            ("active=true&from=2026-11-23T08%3A00%3A00%2B01:00", vec![]),
            ("active=yes", vec!["active"]),
            ("active=true&active=true", vec!["active"]),
            ("nope=1&active=false", vec!["nope"]),
            ("active=%ff", vec!["active"]),
            ("active=%f", vec!["active"]),
        ] {
            assert_eq!(wrong(query), names, "{query}");
        }
    }
}
