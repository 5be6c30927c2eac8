//! The header `If-Match` of requests, and the header `ETag` of answers.

use application::commands::Precondition;
use axum::Json;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::problem::{FieldError, Problem};

/// The versions that the caller accepts for the resource that it changes.
pub struct IfMatch(pub Precondition);

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let mut versions = Vec::new();
        let mut given = false;
        for value in parts.headers.get_all(header::IF_MATCH) {
            given = true;
            let tags = value.to_str().map_err(|_| malformed())?;
            if tags.trim() == "*" {
                return Ok(Self(Precondition::None));
            }
            for tag in tags.split(',').map(str::trim) {
                versions.extend(parse_tag(tag)?);
            }
        }
        Ok(Self(if given {
            Precondition::OneOf(versions)
        } else {
            Precondition::None
        }))
    }
}

/// Returns the version in a tag, or `None` for a weak or foreign tag: `If-Match` compares strongly, so such a tag
/// never matches.
fn parse_tag(tag: &str) -> Result<Option<i64>, Problem> {
    let (weak, tag) = tag
        .strip_prefix("W/")
        .map_or((false, tag), |tag| (true, tag));
    let opaque = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"'));
    match opaque {
        Some(opaque) if !opaque.contains('"') => Ok(opaque.parse().ok().filter(|_| !weak)),
        _ => Err(malformed()),
    }
}

fn malformed() -> Problem {
    Problem::invalid(vec![FieldError::parameter(
        "If-Match",
        "must be entity tags as ETag gave them, or *",
    )])
}

/// Builds an answer whose `ETag` is the version of the resource that it shows.
pub fn respond_with_etag(status: StatusCode, version: i64, body: impl Serialize) -> Response {
    let mut answer = (status, Json(body)).into_response();
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{version}\"")) {
        answer.headers_mut().insert(header::ETAG, tag);
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_strong_tag_of_ours_can_match() {
        for (tag, expected) in [
            ("\"7\"", Some(Some(7))),
            ("W/\"7\"", Some(None)),
            ("\"abc\"", Some(None)),
            ("7", None),
            ("\"7", None),
            ("\"7\"\"8\"", None),
        ] {
            assert_eq!(parse_tag(tag).ok(), expected, "{tag}");
        }
    }
}
