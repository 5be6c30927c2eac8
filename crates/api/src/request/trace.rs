//! The W3C trace context of a request: the trace of the caller if it sends a `traceparent`, otherwise a new trace.

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use std::convert::Infallible;
use std::sync::Arc;
use uuid::Uuid;

/// The trace that a request belongs to.
#[derive(Clone, Debug, Default)]
pub struct TraceContext {
    /// The id of the trace, 32 lower-case hex digits.
    pub trace_id: Arc<str>,
    /// The id of the caller's span, 16 lower-case hex digits; `None` if the trace begins here.
    pub parent_id: Option<Arc<str>>,
}

impl TraceContext {
    /// Continues the trace in the header `traceparent`, or begins a trace with the id `fresh` if there is none.
    pub(crate) fn from_headers(headers: &HeaderMap, fresh: Uuid) -> Self {
        let continued = headers
            .get("traceparent")
            .and_then(|value| value.to_str().ok())
            .and_then(parse_traceparent);
        match continued {
            Some((trace_id, parent_id)) => Self {
                trace_id: trace_id.into(),
                parent_id: Some(parent_id.into()),
            },
            None => Self {
                trace_id: fresh.simple().to_string().into(),
                parent_id: None,
            },
        }
    }
}

/// Parses the trace id and the parent id of a `traceparent` (W3C Trace Context, section 3.2). Returns `None` if the
/// header is not well formed: the specification says to ignore it then.
pub(crate) fn parse_traceparent(header: &str) -> Option<(&str, &str)> {
    let hex = |text: &str, length: usize| {
        text.len() == length && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    };
    let mut parts = header.split('-');
    let (version, trace_id, parent, flags) =
        (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let well_formed =
        hex(version, 2) && version != "ff" && hex(trace_id, 32) && hex(parent, 16) && hex(flags, 2);
    let all_zero = trace_id.bytes().all(|b| b == b'0') || parent.bytes().all(|b| b == b'0');
    let trailing = parts.next().is_some() && version == "00";
    (well_formed && !all_zero && !trailing).then_some((trace_id, parent))
}

impl<S: Send + Sync> FromRequestParts<S> for TraceContext {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        // The layer in `edge` puts a trace context into every request.
        Ok(parts.extensions.get().cloned().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_well_formed_traceparent_is_continued() {
        let good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let ids = ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331");
        assert_eq!(parse_traceparent(good), Some(ids));
        for bad in [
            "",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x",
        ] {
            assert_eq!(parse_traceparent(bad), None, "{bad}");
        }
    }
}
