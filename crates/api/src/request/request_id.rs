//! The id of a request: the `x-request-id` that the caller sends if it is valid, otherwise a new one.

use std::sync::Arc;

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use uuid::Uuid;

const HEADER: HeaderName = HeaderName::from_static("x-request-id");
/// The largest length of a request id, in characters.
const MAX_LENGTH: usize = 128;

/// An id of 1 to 128 visible ASCII characters. It stands in every log line of the request and in its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RequestId(Arc<str>);

impl RequestId {
    /// Returns the id in the headers if there is exactly one and it is valid; otherwise `fresh`.
    pub(crate) fn from_headers(headers: &HeaderMap, fresh: Uuid) -> Self {
        let mut brought = headers.get_all(HEADER).iter();
        let valid = match (brought.next(), brought.next()) {
            (Some(id), None) => id.to_str().ok().filter(|id| is_valid(id)),
            _ => None,
        };
        Self(valid.map_or_else(|| fresh.to_string().into(), Into::into))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Adds the id to the headers of an answer.
    pub(crate) fn add_to(&self, headers: &mut HeaderMap) {
        // Cannot fail: visible ASCII is always a valid header value.
        if let Ok(id) = HeaderValue::from_str(&self.0) {
            headers.insert(HEADER, id);
        }
    }
}

fn is_valid(id: &str) -> bool {
    (1..=MAX_LENGTH).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_single_valid_request_id_is_kept() {
        let longest = "x".repeat(MAX_LENGTH);
        let too_long = "x".repeat(MAX_LENGTH + 1);
        for (brought, kept) in [
            (&[][..], false),
            (&["a"], true),
            (&["Root=1-67891233-abcdef012345678912345678"], true),
            (&["{\"a\":1}"], true),
            (&[&longest], true),
            (&[&too_long], false),
            (&[""], false),
            (&["a b"], false),
            (&["a\tb"], false),
            (&["b\u{fc}s"], false),
            (&["a", "a"], false),
        ] {
            let mut headers = HeaderMap::new();
            for id in brought {
                headers.append(
                    HEADER,
                    HeaderValue::from_bytes(id.as_bytes()).expect("a header"),
                );
            }
            let id = RequestId::from_headers(&headers, Uuid::nil());
            let expected = if kept {
                brought[0]
            } else {
                "00000000-0000-0000-0000-000000000000"
            };
            assert_eq!(id.as_str(), expected, "{brought:?}");
        }
    }
}
