//! What every answer tells a browser: it is data, for the page that asked, and for nobody to keep.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

/// Unless the route has set its own.
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

/// Adds the headers that are missing. Other origins are let in nowhere: there is no `access-control-…`.
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
