//! The log line of an answer. Writes are logged at info, reads and refusals at debug. What is degraded or broken
//! is logged where it is detected.

use axum::http::{Method, StatusCode};

/// Writes the line within the request's span. `error_type` is the kind of problem, if the answer is one.
pub(super) fn write(
    method: &Method,
    status: StatusCode,
    error_type: Option<&'static str>,
    duration_ms: u64,
) {
    macro_rules! answered {
        ($level:ident) => {
            tracing::$level!(
                "http.response.status_code" = status.as_u16(),
                "error.type" = error_type,
                duration_ms,
                "answered"
            )
        };
    }
    if status.is_success() && !method.is_safe() {
        answered!(info);
    } else {
        answered!(debug);
    }
}
