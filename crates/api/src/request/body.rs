//! Request bodies: size limits, media types and JSON parsing that names the member that is wrong.

use std::error::Error;

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, header};
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::DeserializeOwned;
use serde_path_to_error::Segment;

use super::pending_body::BodyTimeout;
use crate::problem::{FieldError, Problem, ProblemKind};

/// The largest size of a body in bytes, after decompression. The ingest endpoints have a limit of their own.
pub(crate) const BODY_LIMIT: usize = 256 * 1024;

/// A JSON body that is parsed as `T`, of at most [`BODY_LIMIT`] bytes.
pub struct JsonBody<T>(pub T);

/// The bytes of a JSON body, at most `LIMIT` after decompression.
pub struct RawBody<const LIMIT: usize>(pub Bytes);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let bytes = read_body(request.into_body(), BODY_LIMIT).await?;
        Ok(Self(parse_json(&bytes)?))
    }
}

impl<S: Send + Sync, const LIMIT: usize> FromRequest<S> for RawBody<LIMIT> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        Ok(Self(read_body(request.into_body(), LIMIT).await?))
    }
}

/// Checks the headers of a body before the body is read: the declared length and the media type.
///
/// # Errors
/// 413 if the declared length is above `limit`, 415 if the media type is not JSON in UTF-8.
pub(crate) fn check_body_headers(headers: &HeaderMap, limit: usize) -> Result<(), Problem> {
    let declared = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if declared.is_some_and(|length| length > limit as u64) {
        return Err(body_too_large(limit));
    }
    if is_json(headers) {
        Ok(())
    } else {
        Err(Problem::of(ProblemKind::UNSUPPORTED_MEDIA_TYPE)
            .detail("the body must be application/json"))
    }
}

fn body_too_large(limit: usize) -> Problem {
    Problem::of(ProblemKind::PAYLOAD_TOO_LARGE).detail(format!("the body may have {limit} bytes"))
}

/// Reads a body to its end.
///
/// # Errors
/// 413 if the body is larger than `limit`, 408 if it does not arrive in time, 400 if it breaks off.
pub(crate) async fn read_body(body: Body, limit: usize) -> Result<Bytes, Problem> {
    match Limited::new(body, limit).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(body_too_large(limit)),
        Err(error) if is_body_timeout(&*error) => {
            Err(Problem::of(ProblemKind::REQUEST_TIMEOUT).detail("the body did not arrive in time"))
        }
        Err(_) => Err(Problem::invalid(vec![FieldError::pointer(
            "",
            "the body broke off or could not be decompressed",
        )])),
    }
}

/// Returns whether a [`BodyTimeout`] is anywhere in the chain of causes. The layers in between wrap it.
fn is_body_timeout(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.is::<BodyTimeout>() {
            return true;
        }
        cause = error.source();
    }
    false
}

fn is_json(headers: &HeaderMap) -> bool {
    let media_type = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let (media_type, parameters) = media_type.split_once(';').unwrap_or((media_type, ""));
    let utf_8 = parameters.split(';').all(|parameter| {
        let parameter = parameter.trim().to_ascii_lowercase();
        !parameter.starts_with("charset=")
            || parameter.trim_start_matches("charset=").trim_matches('"') == "utf-8"
    });
    media_type.trim().eq_ignore_ascii_case("application/json") && utf_8
}

/// Parses a JSON object as `T`.
///
/// # Errors
/// 400 with the pointer of the first member that is wrong.
pub fn parse_json<'de, T: serde::Deserialize<'de>>(bytes: &'de [u8]) -> Result<T, Problem> {
    // Checked here, because serde accepts an array for a struct, and the contract has objects only.
    if bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[') {
        return Err(Problem::invalid(vec![FieldError::pointer(
            "",
            "must be a JSON object",
        )]));
    }
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let read = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        // A syntax error has a line and a column, but no pointer.
        let pointer = if error.inner().is_data() {
            find_pointer(error.path(), error.inner())
        } else {
            String::new()
        };
        FieldError::pointer(pointer, describe_error(error.inner()))
    });
    let read = read.and_then(|value| match deserializer.end() {
        Ok(()) => Ok(value),
        Err(error) => Err(FieldError::pointer("", describe_error(&error))),
    });
    read.map_err(|error| Problem::invalid(vec![error]))
}

/// Returns the place of an error as an RFC 6901 pointer. For an unknown, missing or repeated member the path of
/// the error ends at the object, so the name of the member is taken from the message.
pub fn find_pointer(path: &serde_path_to_error::Path, error: &serde_json::Error) -> String {
    let mut pointer = String::new();
    let mut last = String::new();
    for segment in path {
        last = match segment {
            Segment::Seq { index } => index.to_string(),
            Segment::Map { key } => key.clone(),
            Segment::Enum { variant } => variant.clone(),
            Segment::Unknown => continue,
        };
        pointer.push('/');
        pointer.push_str(&last.replace('~', "~0").replace('/', "~1"));
    }
    let message = error.to_string();
    let named = [
        "unknown field `",
        "missing field `",
        "duplicate field `",
        "duplicate member `",
    ]
    .iter()
    .find_map(|prefix| message.strip_prefix(prefix)?.split('`').next());
    if let Some(member) = named.filter(|member| *member != last) {
        pointer.push('/');
        pointer.push_str(&member.replace('~', "~0").replace('/', "~1"));
    }
    pointer
}

/// Returns the text of a parse error without the position, or with it if the body is not JSON at all.
fn describe_error(error: &serde_json::Error) -> String {
    if error.is_data() {
        let message = error.to_string();
        // The position is cut off: the pointer says where.
        message
            .rsplit_once(" at line ")
            .map_or(message.clone(), |(message, _)| message.to_owned())
    } else {
        format!(
            "is not JSON: line {} column {}",
            error.line(),
            error.column()
        )
    }
}
