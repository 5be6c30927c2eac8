//! Fetching one page of a provider's answer: attempts, back-off, size cap, and what a failure means.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use chrono::DateTime;
use clock::Deadline;
use domain::polling::{ErrorClass, PollError};
use reqwest::header::{DATE, HeaderMap, HeaderName, RETRY_AFTER};
use reqwest::{RequestBuilder, Response, StatusCode};
use telemetry::traces;

use super::PollLimits;
use super::turns::{NoTurn, Turns};

/// The longest wait that a provider may ask for.
const MAX_RETRY_AFTER: Duration = Duration::from_hours(1);

/// A page that did not come.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {}", error.class, error.detail)]
pub struct FetchError {
    /// What kind of failure it was.
    pub error: PollError,
    /// The status of the provider's last answer, if it answered.
    pub status: Option<StatusCode>,
}

impl From<FetchError> for PollError {
    fn from(failed: FetchError) -> Self {
        failed.error
    }
}

/// A failed attempt.
#[derive(Debug)]
struct Failure {
    error: PollError,
    status: Option<StatusCode>,
    retry: Retry,
}

/// Whether another attempt may fare better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Retry {
    /// It would fare the same.
    Never,
    /// It may, after the longer of our own back-off and the wait that the provider asks for.
    After(Duration),
}

impl Failure {
    /// Makes a failure without an answer of the provider.
    fn unanswered(class: ErrorClass, detail: impl Into<String>, retry: Retry) -> Self {
        Self {
            error: failure(class, detail),
            status: None,
            retry,
        }
    }

    /// Makes a failure that the provider answered with.
    fn answered(class: ErrorClass, status: StatusCode, retry: Retry) -> Self {
        Self {
            error: failure(class, format!("the provider answered {status}")),
            status: Some(status),
            retry,
        }
    }
}

/// The bounds within which a page is fetched.
pub(super) struct Fetcher<'a> {
    pub(super) turns: &'a Turns,
    pub(super) limits: &'a PollLimits,
    pub(super) deadline: Deadline,
}

impl Fetcher<'_> {
    /// Sends `request` until it is answered with a success, at most `limits.attempts` times, each in its turn
    /// and never past the deadline. Returns how many requests were sent beside what came of them.
    pub(super) async fn fetch(
        &self,
        request: impl Fn() -> RequestBuilder,
    ) -> (Result<Vec<u8>, FetchError>, u32) {
        let sent = AtomicU32::new(0);
        let attempt = || async {
            self.turns.wait(self.deadline).await.map_err(no_turn)?;
            sent.fetch_add(1, Ordering::Relaxed);
            self.attempt(with_traceparent(request())).await
        };
        let backoff = ExponentialBuilder::default()
            .with_min_delay(self.limits.backoff)
            .with_max_times(self.limits.attempts.saturating_sub(1))
            .with_jitter();
        let with_retries = attempt
            .retry(backoff)
            .when(|failure: &Failure| failure.retry != Retry::Never)
            .adjust(|failure, wait| {
                // A provider that asks for longer than there is left is not asked again in this cycle.
                let wait = match failure.retry {
                    Retry::Never => return None,
                    Retry::After(asked) => wait?.max(asked),
                };
                (wait < self.deadline.remaining()).then_some(wait)
            });
        let ended = self.deadline.limit(with_retries).await;
        let ended = ended.unwrap_or_else(|_| {
            let detail = "the provider did not answer within the deadline";
            Err(Failure::unanswered(
                ErrorClass::Timeout,
                detail,
                Retry::Never,
            ))
        });
        let body = ended.map_err(|Failure { error, status, .. }| FetchError { error, status });
        (body, sent.into_inner())
    }

    /// Sends a request once and reads its answer.
    async fn attempt(&self, request: RequestBuilder) -> Result<Vec<u8>, Failure> {
        let response = request.send().await.map_err(|error| unreachable(&error))?;
        let status = response.status();
        if status.is_success() {
            return read_body(response, self.limits.page_bytes).await;
        }
        let asked = retry_after(response.headers());
        Err(match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                Failure::answered(ErrorClass::CredentialsRejected, status, Retry::Never)
            }
            StatusCode::TOO_MANY_REQUESTS => {
                self.turns.pause(asked);
                Failure::answered(ErrorClass::RateLimited, status, Retry::After(asked))
            }
            _ if status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT => {
                Failure::answered(ErrorClass::Unavailable, status, Retry::After(asked))
            }
            _ => Failure::answered(ErrorClass::InvalidResponse, status, Retry::Never),
        })
    }
}

/// Adds the trace that this attempt belongs to, where spans are exported.
fn with_traceparent(request: RequestBuilder) -> RequestBuilder {
    match traces::traceparent() {
        Some(traceparent) => request.header("traceparent", traceparent),
        None => request,
    }
}

async fn read_body(mut response: Response, max_bytes: usize) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    while let Some(chunk) = response
        .chunk()
        .await
        .map_err(|error| unreachable(&error))?
    {
        if body.len() + chunk.len() > max_bytes {
            let detail = format!("a page is larger than {max_bytes} bytes");
            return Err(Failure::unanswered(
                ErrorClass::InvalidResponse,
                detail,
                Retry::Never,
            ));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Parses `Retry-After`, a number of seconds or a date. A date counts from the answer's own `Date`, because the
/// two clocks need not agree. Returns zero where there is none that can be read.
fn retry_after(headers: &HeaderMap) -> Duration {
    let text = |name: HeaderName| headers.get(name)?.to_str().ok().map(str::trim);
    let Some(asked) = text(RETRY_AFTER) else {
        return Duration::ZERO;
    };
    if let Ok(seconds) = asked.parse() {
        return Duration::from_secs(seconds).min(MAX_RETRY_AFTER);
    }
    // An HTTP date (RFC 9110, 5.6.7) in the one form that may be sent is one of RFC 2822 as well.
    let date = |text: &str| DateTime::parse_from_rfc2822(text).ok();
    let wait = date(asked)
        .zip(text(DATE).and_then(date))
        .and_then(|(until, sent)| (until - sent).to_std().ok());
    wait.unwrap_or(Duration::ZERO).min(MAX_RETRY_AFTER)
}

/// Classifies a request that was not sent because it had no turn: as if the provider had said so.
fn no_turn(no_turn: NoTurn) -> Failure {
    let detail = match no_turn {
        NoTurn::Limit => "the account's own limit left no turn before the deadline",
        NoTurn::Pause => "the provider asked not to be asked until after the deadline",
    };
    Failure::unanswered(ErrorClass::RateLimited, detail, Retry::Never)
}

/// Classifies what kept the request from being answered. The detail leaves the URL out, which is configuration
/// and not diagnosis.
fn unreachable(error: &reqwest::Error) -> Failure {
    let (class, detail) = if error.is_timeout() {
        (ErrorClass::Timeout, "the provider did not answer in time")
    } else if error.is_connect() {
        (ErrorClass::Unavailable, "no connection to the provider")
    } else {
        (
            ErrorClass::Unavailable,
            "the connection to the provider broke",
        )
    };
    Failure::unanswered(class, detail, Retry::After(Duration::ZERO))
}

/// Builds a poll's error.
pub(crate) fn failure(class: ErrorClass, detail: impl Into<String>) -> PollError {
    PollError {
        class,
        detail: detail.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_asked_for_in_seconds_or_until_a_date() {
        let sent = "Mon, 23 Nov 2026 08:00:00 GMT";
        for (asked, date, seconds) in [
            (Some("120"), None, 120),
            (Some("18446744073709551615"), None, 3_600),
            (Some("Sun, 23 Nov 2036 08:00:00 GMT"), Some(sent), 3_600),
            (Some(" 7 "), Some(sent), 7),
            (Some("Mon, 23 Nov 2026 08:01:30 GMT"), Some(sent), 90),
            (Some("Mon, 23 Nov 2026 07:59:00 GMT"), Some(sent), 0),
            (Some("Mon, 23 Nov 2026 08:01:30 GMT"), None, 0),
            (Some("soon"), Some(sent), 0),
            (Some("-5"), Some(sent), 0),
            (Some("1.5"), Some(sent), 0),
            (None, Some(sent), 0),
        ] {
            let mut headers = HeaderMap::new();
            for (name, value) in [(RETRY_AFTER, asked), (DATE, date)] {
                let value = value.map(|value| value.parse().expect("a header"));
                headers.extend(value.map(|value| (name, value)));
            }
            let waited = retry_after(&headers);
            assert_eq!(waited, Duration::from_secs(seconds), "{asked:?} {date:?}");
        }
    }
}
