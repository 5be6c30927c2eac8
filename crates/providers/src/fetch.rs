//! One page of a provider's answer: attempts, back-off, size cap, and what a failure means.

use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use chrono::DateTime;
use domain::polling::{ErrorClass, PollError};
use reqwest::header::{DATE, HeaderMap, HeaderName, RETRY_AFTER};
use reqwest::{RequestBuilder, Response, StatusCode};
use telemetry::traces;
use tokio::time::Instant;

use crate::PollLimits;
use crate::accounts::{NoTurn, Turns};

/// Whatever a provider asks for, it is asked again after this.
const WAIT_AT_MOST: Duration = Duration::from_hours(1);

/// A page's body, with how many requests it took.
pub(crate) struct Fetched {
    pub(crate) body: Vec<u8>,
    pub(crate) attempts: u32,
}

/// A page that did not come, with how many requests it took.
#[derive(Debug)]
pub(crate) struct FetchError {
    pub(crate) error: PollError,
    pub(crate) attempts: u32,
    /// What the provider answered, where that says more than the class does.
    pub(crate) status: Option<StatusCode>,
}

impl FetchError {
    /// What is wrong with an answer that came.
    pub(crate) const fn new(error: PollError, attempts: u32) -> Self {
        Self {
            error,
            attempts,
            status: None,
        }
    }
}

#[derive(Debug)]
struct Failure {
    error: PollError,
    retry: Retry,
    status: Option<StatusCode>,
}

/// Whether another attempt may fare better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Retry {
    /// It would fare the same.
    Never,
    /// It may, after our own back-off and what the provider asks for beyond it.
    After(Duration),
}

/// Sends `request` until it is answered well, at most `limits.attempts` times, each in its turn and never
/// past `deadline`.
pub(crate) async fn fetch(
    request: impl Fn() -> RequestBuilder,
    turns: &Turns,
    limits: &PollLimits,
    deadline: Instant,
) -> Result<Fetched, FetchError> {
    let sent = std::sync::atomic::AtomicU32::new(0);
    let attempts = || sent.load(std::sync::atomic::Ordering::Relaxed);
    let attempt = || async {
        turns.next(deadline).await.map_err(no_turn)?;
        sent.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        once(traced(request()), turns, limits).await
    };
    let backoff = ExponentialBuilder::default()
        .with_min_delay(limits.backoff)
        .with_max_times(limits.attempts.saturating_sub(1))
        .with_jitter();
    let patient = attempt
        .retry(backoff)
        .when(|failure: &Failure| failure.retry != Retry::Never)
        .adjust(|failure, wait| {
            // A provider that asks for longer than there is left is not asked again in this cycle.
            let wait = match failure.retry {
                Retry::Never => return None,
                Retry::After(asked) => wait?.max(asked),
            };
            (Instant::now() + wait < deadline).then_some(wait)
        });
    match tokio::time::timeout_at(deadline, patient).await {
        Ok(Ok(body)) => Ok(Fetched {
            body,
            attempts: attempts(),
        }),
        Ok(Err(failure)) => Err(FetchError {
            error: failure.error,
            attempts: attempts(),
            status: failure.status,
        }),
        Err(_) => Err(FetchError {
            error: failure(
                ErrorClass::Timeout,
                "the provider did not answer within the deadline",
            ),
            attempts: attempts(),
            status: None,
        }),
    }
}

/// With what this attempt belongs to, where spans are exported.
fn traced(request: RequestBuilder) -> RequestBuilder {
    match traces::traceparent() {
        Some(traceparent) => request.header("traceparent", traceparent),
        None => request,
    }
}

async fn once(
    request: RequestBuilder,
    turns: &Turns,
    limits: &PollLimits,
) -> Result<Vec<u8>, Failure> {
    let response = request.send().await.map_err(|error| Failure {
        error: unreachable(&error),
        retry: Retry::After(Duration::ZERO),
        status: None,
    })?;
    match response.status() {
        status if status.is_success() => body_of(response, limits.page_bytes).await,
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(Failure {
            error: failure(
                ErrorClass::CredentialsRejected,
                format!("the provider answered {}", response.status()),
            ),
            retry: Retry::Never,
            status: None,
        }),
        StatusCode::TOO_MANY_REQUESTS => {
            let asked = retry_after(response.headers());
            turns.pause(asked);
            Err(Failure {
                error: failure(ErrorClass::RateLimited, "the provider answered 429"),
                retry: Retry::After(asked),
                status: None,
            })
        }
        status if status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT => {
            Err(Failure {
                error: failure(
                    ErrorClass::Unavailable,
                    format!("the provider answered {status}"),
                ),
                retry: Retry::After(retry_after(response.headers())),
                status: None,
            })
        }
        status => Err(Failure {
            error: failure(
                ErrorClass::InvalidResponse,
                format!("the provider answered {status}"),
            ),
            retry: Retry::Never,
            status: Some(status),
        }),
    }
}

async fn body_of(mut response: Response, page_bytes: usize) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| Failure {
        error: unreachable(&error),
        retry: Retry::After(Duration::ZERO),
        status: None,
    })? {
        if body.len() + chunk.len() > page_bytes {
            return Err(Failure {
                error: failure(
                    ErrorClass::InvalidResponse,
                    format!("a page is larger than {page_bytes} bytes"),
                ),
                retry: Retry::Never,
                status: None,
            });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// `Retry-After` as a number of seconds or as a date, which counts from the answer's own `Date`: the two
/// clocks need not agree. Zero where there is none that can be read.
fn retry_after(headers: &HeaderMap) -> Duration {
    let text = |name: HeaderName| headers.get(name)?.to_str().ok().map(str::trim);
    let Some(asked) = text(RETRY_AFTER) else {
        return Duration::ZERO;
    };
    if let Ok(seconds) = asked.parse() {
        return Duration::from_secs(seconds).min(WAIT_AT_MOST);
    }
    // An HTTP date (RFC 9110, 5.6.7) in the one form that may be sent is one of RFC 2822 as well.
    let date = |text: &str| DateTime::parse_from_rfc2822(text).ok();
    let wait = date(asked)
        .zip(text(DATE).and_then(date))
        .and_then(|(until, sent)| (until - sent).to_std().ok());
    wait.unwrap_or(Duration::ZERO).min(WAIT_AT_MOST)
}

/// What came of not having had a turn: as if the provider had said so, and no request was sent.
fn no_turn(no_turn: NoTurn) -> Failure {
    let detail = match no_turn {
        NoTurn::Limit => "the account's own limit left no turn before the deadline",
        NoTurn::Pause => "the provider asked not to be asked until after the deadline",
    };
    Failure {
        error: failure(ErrorClass::RateLimited, detail),
        retry: Retry::Never,
        status: None,
    }
}

/// What kept the request from being answered, without the URL: it is configuration, not diagnosis.
fn unreachable(error: &reqwest::Error) -> PollError {
    if error.is_timeout() {
        failure(ErrorClass::Timeout, "the provider did not answer in time")
    } else if error.is_connect() {
        failure(ErrorClass::Unavailable, "no connection to the provider")
    } else {
        failure(
            ErrorClass::Unavailable,
            "the connection to the provider broke",
        )
    }
}

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
