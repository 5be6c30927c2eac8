//! The headers that tell a browser that an answer is data, only for the page that asked, and not to be stored.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

/// The headers of every answer, unless the route has set its own value.
const ALWAYS: [(HeaderName, &str); 6] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::CACHE_CONTROL, "no-store"),
    (header::REFERRER_POLICY, "no-referrer"),
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; frame-ancestors 'none'",
    ),
    (header::X_FRAME_OPTIONS, "DENY"),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
];

/// Adds the headers that are missing. No other origin may read an answer, so there is no `access-control-…`
/// header.
pub(super) fn add(headers: &mut HeaderMap, strict_transport: bool) {
    let transport = (header::STRICT_TRANSPORT_SECURITY, "max-age=31536000");
    for (name, value) in ALWAYS
        .into_iter()
        .chain(strict_transport.then_some(transport))
    {
        headers
            .entry(name)
            .or_insert_with(|| HeaderValue::from_static(value));
    }
}
