//! One page of a provider's answer: attempts, back-off, size cap, and what a failure means.

use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use domain::polling::{ErrorClass, PollError};
use reqwest::header::RETRY_AFTER;
use reqwest::{RequestBuilder, Response, StatusCode};
use telemetry::traces;
use tokio::time::Instant;

use crate::PollLimits;

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
}

#[derive(Debug)]
struct Failure {
    error: PollError,
    retry: Retry,
}

/// Whether another attempt may fare better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Retry {
    /// It would fare the same.
    Never,
    /// It may, after our own back-off and what the provider asks for beyond it.
    After(Duration),
}

/// Sends `request` until it is answered well, at most `limits.attempts` times and never past `deadline`.
pub(crate) async fn fetch(
    request: impl Fn() -> RequestBuilder,
    limits: &PollLimits,
    deadline: Instant,
) -> Result<Fetched, FetchError> {
    let sent = std::sync::atomic::AtomicU32::new(0);
    let attempts = || sent.load(std::sync::atomic::Ordering::Relaxed);
    let attempt = || async {
        sent.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        once(traced(request()), limits).await
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
        }),
        Err(_) => Err(FetchError {
            error: failure(
                ErrorClass::Timeout,
                "the provider did not answer within the deadline",
            ),
            attempts: attempts(),
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

async fn once(request: RequestBuilder, limits: &PollLimits) -> Result<Vec<u8>, Failure> {
    let response = request.send().await.map_err(|error| Failure {
        error: unreachable(&error),
        retry: Retry::After(Duration::ZERO),
    })?;
    match response.status() {
        status if status.is_success() => body_of(response, limits.page_bytes).await,
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(Failure {
            error: failure(
                ErrorClass::CredentialsRejected,
                format!("the provider answered {}", response.status()),
            ),
            retry: Retry::Never,
        }),
        StatusCode::TOO_MANY_REQUESTS => Err(Failure {
            error: failure(ErrorClass::RateLimited, "the provider answered 429"),
            retry: Retry::After(retry_after(&response)),
        }),
        status if status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT => {
            Err(Failure {
                error: failure(
                    ErrorClass::Unavailable,
                    format!("the provider answered {status}"),
                ),
                retry: Retry::After(retry_after(&response)),
            })
        }
        status => Err(Failure {
            error: failure(
                ErrorClass::InvalidResponse,
                format!("the provider answered {status}"),
            ),
            retry: Retry::Never,
        }),
    }
}

async fn body_of(mut response: Response, page_bytes: usize) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| Failure {
        error: unreachable(&error),
        retry: Retry::After(Duration::ZERO),
    })? {
        if body.len() + chunk.len() > page_bytes {
            return Err(Failure {
                error: failure(
                    ErrorClass::InvalidResponse,
                    format!("a page is larger than {page_bytes} bytes"),
                ),
                retry: Retry::Never,
            });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// `Retry-After` in seconds; its date form is rare among telematics providers and reads as absent.
fn retry_after(response: &Response) -> Duration {
    let header = response.headers().get(RETRY_AFTER);
    let seconds = header.and_then(|value| value.to_str().ok()?.trim().parse().ok());
    Duration::from_secs(seconds.unwrap_or(0))
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
