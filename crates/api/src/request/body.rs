//! Bodies: sized, typed and read member by member.

use std::error::Error;

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, header};
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::DeserializeOwned;
use serde_path_to_error::Segment;

use super::unread::BodyTimeout;
use crate::problem::{FieldError, Problem, ProblemKind};

/// Bytes of a body after decompression, but for ingest.
pub(crate) const BODY_LIMIT: usize = 256 * 1024;

/// A JSON body of `T`, of at most 256 KiB.
pub struct JsonBody<T>(pub T);

/// The bytes of a JSON body, of at most `LIMIT` after decompression.
pub struct RawBody<const LIMIT: usize>(pub Bytes);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let bytes = bytes_of(request.into_body(), BODY_LIMIT).await?;
        Ok(Self(read_json(&bytes)?))
    }
}

impl<S: Send + Sync, const LIMIT: usize> FromRequest<S> for RawBody<LIMIT> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        Ok(Self(bytes_of(request.into_body(), LIMIT).await?))
    }
}

/// Refuses by the headers alone: a declared length above the limit, or a type that is not JSON.
///
/// # Errors
/// 413 or 415.
pub(crate) fn check_envelope(headers: &HeaderMap, limit: usize) -> Result<(), Problem> {
    let declared = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if declared.is_some_and(|length| length > limit as u64) {
        return Err(too_large(limit));
    }
    if is_json(headers) {
        Ok(())
    } else {
        Err(Problem::of(ProblemKind::UNSUPPORTED_MEDIA_TYPE)
            .detail("the body must be application/json"))
    }
}

fn too_large(limit: usize) -> Problem {
    Problem::of(ProblemKind::PAYLOAD_TOO_LARGE).detail(format!("the body may have {limit} bytes"))
}

/// Reads a body to its end.
///
/// # Errors
/// 413 above the limit, 400 when it breaks off.
pub(crate) async fn bytes_of(body: Body, limit: usize) -> Result<Bytes, Problem> {
    match Limited::new(body, limit).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(too_large(limit)),
        Err(error) if is_late(&*error) => {
            Err(Problem::of(ProblemKind::REQUEST_TIMEOUT).detail("the body did not arrive in time"))
        }
        Err(_) => Err(Problem::invalid(vec![FieldError::pointer(
            "",
            "the body broke off or could not be decompressed",
        )])),
    }
}

/// Whether it came to this because the body took too long, whoever passed that on.
fn is_late(error: &(dyn Error + 'static)) -> bool {
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

/// Reads a JSON object as `T`.
///
/// # Errors
/// A 400 with the pointer of the first member that is wrong.
pub fn read_json<'de, T: serde::Deserialize<'de>>(bytes: &'de [u8]) -> Result<T, Problem> {
    // serde reads a struct from an array as well; the contract has objects only.
    if bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[') {
        return Err(Problem::invalid(vec![FieldError::pointer(
            "",
            "must be a JSON object",
        )]));
    }
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let read = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        // Where the text stops being JSON is a place in the text, not in the document.
        let pointer = if error.inner().is_data() {
            pointer_of(error.path(), error.inner())
        } else {
            String::new()
        };
        FieldError::pointer(pointer, message_of(error.inner()))
    });
    let read = read.and_then(|value| match deserializer.end() {
        Ok(()) => Ok(value),
        Err(error) => Err(FieldError::pointer("", message_of(&error))),
    });
    read.map_err(|error| Problem::invalid(vec![error]))
}

/// Where an error happened, as an RFC 6901 pointer. An unknown, missing or repeated member is named
/// by the message and not by the path, so its name is taken from there.
pub fn pointer_of(path: &serde_path_to_error::Path, error: &serde_json::Error) -> String {
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

/// What is wrong, in the contract's words where serde's speak of our types.
fn message_of(error: &serde_json::Error) -> String {
    if error.is_data() {
        let message = error.to_string();
        // The position is of no use to whoever has a pointer.
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
