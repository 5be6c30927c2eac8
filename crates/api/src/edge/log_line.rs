//! One log line for every answer: what changed something at info, reads and refusals at debug. What is
//! degraded or broken says so itself, where it is known.

use std::time::Duration;

use axum::http::{Method, StatusCode};

/// Writes the line, within the request's span. `error_type` is the kind of problem, if it is one.
pub(super) fn write(
    method: &Method,
    status: StatusCode,
    error_type: Option<&'static str>,
    took: Duration,
) {
    macro_rules! answered {
        ($level:ident) => {
            tracing::$level!(
                "http.response.status_code" = status.as_u16(),
                "error.type" = error_type,
                duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
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
