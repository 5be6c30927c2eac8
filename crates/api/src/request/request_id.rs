//! The request's own name: the caller's where it sends a sane one, minted here where not.

use std::sync::Arc;

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use uuid::Uuid;

const HEADER: HeaderName = HeaderName::from_static("x-request-id");
const LONGEST: usize = 128;

/// 1..=128 visible ASCII characters; found in every log line of the request, and in its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RequestId(Arc<str>);

impl RequestId {
    /// The one that the headers bring, if it is the only one and sane; else `fresh`.
    pub(crate) fn of(headers: &HeaderMap, fresh: Uuid) -> Self {
        let mut brought = headers.get_all(HEADER).iter();
        let sane = match (brought.next(), brought.next()) {
            (Some(id), None) => id.to_str().ok().filter(|id| is_sane(id)),
            _ => None,
        };
        Self(sane.map_or_else(|| fresh.to_string().into(), Into::into))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Puts it into an answer.
    pub(crate) fn tell(&self, headers: &mut HeaderMap) {
        // Visible ASCII always has the form of a header.
        if let Ok(id) = HeaderValue::from_str(&self.0) {
            headers.insert(HEADER, id);
        }
    }
}

fn is_sane(id: &str) -> bool {
    (1..=LONGEST).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_sane_one_is_kept() {
        let longest = "x".repeat(LONGEST);
        let too_long = "x".repeat(LONGEST + 1);
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
            let id = RequestId::of(&headers, Uuid::nil());
            let expected = if kept {
                brought[0]
            } else {
                "00000000-0000-0000-0000-000000000000"
            };
            assert_eq!(id.as_str(), expected, "{brought:?}");
        }
    }
}
