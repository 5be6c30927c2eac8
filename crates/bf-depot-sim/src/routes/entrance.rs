//! The first steps of every provider request: count the request, apply the account's fault, check the key.

use axum::response::{Html, IntoResponse, Response};

use super::App;
use super::failure::RequestFailure;
use crate::fault::Fault;
use crate::requests::InFlight;

/// What the first steps of a request decided.
pub(super) enum Entrance {
    /// The endpoint answers the request, which is in flight as long as the value lives.
    Open(InFlight),
    /// The account's fault answers the request with this response.
    Instead(Response),
}

/// Counts a request, applies the account's fault, and compares the request's key with the account's.
pub(super) async fn enter(
    app: &App,
    account: &str,
    first_page: bool,
    key: Option<&str>,
) -> Result<Entrance, RequestFailure> {
    let now = app.simulator.settings.clock.now();
    let (in_flight, fault, expected) = app.simulator.with_account(account, |running| {
        (
            running.requests.begin_request(first_page),
            running.fault_at(now),
            running.key.clone(),
        )
    })?;
    if let Some(instead) = answer_by_fault(fault, app).await {
        return instead.map(Entrance::Instead);
    }
    if key != Some(&expected) {
        return Err(RequestFailure::CredentialsRejected);
    }
    Ok(Entrance::Open(in_flight))
}

/// Returns the answer that a fault gives in place of the vehicles, or `None` if the fault lets the endpoint
/// answer.
async fn answer_by_fault(
    fault: Option<Fault>,
    app: &App,
) -> Option<Result<Response, RequestFailure>> {
    match fault? {
        Fault::Unavailable => Some(Err(RequestFailure::Unavailable)),
        Fault::CredentialsRejected => Some(Err(RequestFailure::CredentialsRejected)),
        Fault::RateLimited {
            retry_after_seconds,
        } => Some(Err(RequestFailure::RateLimited {
            retry_after_seconds,
        })),
        Fault::Hang => {
            app.closing.cancelled().await;
            Some(Err(RequestFailure::Unavailable))
        }
        Fault::Garbage => Some(Ok(Html(
            "<!doctype html><title>Maintenance</title><h1>Back soon",
        )
        .into_response())),
        Fault::Late { .. } | Fault::FlappingUnavailable { .. } => None,
    }
}
