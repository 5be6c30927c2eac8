//! What comes before any answer of the provider protocol: the request is counted, then meets the
//! account's fault, then the key.

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::response::{Html, IntoResponse, Response};

use super::App;
use super::failure::Failure;
use crate::fault::Fault;
use crate::requests::InFlight;

/// How far a request came.
pub(super) enum Gate {
    /// It is to be answered, and counts as in flight until this is dropped.
    Open(InFlight),
    /// A fault has answered it.
    Instead(Response),
}

/// Lets a request to an account through, or says what it gets instead.
pub(super) async fn pass(
    app: &App,
    account: &str,
    headers: &HeaderMap,
    first_page: bool,
) -> Result<Gate, Failure> {
    let now = app.simulator.settings.clock.now();
    let (in_flight, fault, key) = app.simulator.with_account(account, |running| {
        (
            running.requests.enter(first_page),
            running.fault_at(now),
            running.key.clone(),
        )
    })?;
    if let Some(instead) = faulty_answer(fault, app).await {
        return instead.map(Gate::Instead);
    }
    if bearer(headers) != Some(&key) {
        return Err(Failure::CredentialsRejected);
    }
    Ok(Gate::Open(in_flight))
}

/// What a fault answers in place of the provider; none when that answers after all.
async fn faulty_answer(fault: Option<Fault>, app: &App) -> Option<Result<Response, Failure>> {
    match fault? {
        Fault::Unavailable => Some(Err(Failure::Unavailable)),
        Fault::CredentialsRejected => Some(Err(Failure::CredentialsRejected)),
        Fault::RateLimited {
            retry_after_seconds,
        } => Some(Err(Failure::RateLimited {
            retry_after_seconds,
        })),
        Fault::Hang => {
            app.closing.cancelled().await;
            Some(Err(Failure::Unavailable))
        }
        Fault::Garbage => Some(Ok(Html(
            "<!doctype html><title>Maintenance</title><h1>Back soon",
        )
        .into_response())),
        Fault::Late { .. } | Fault::FlappingUnavailable { .. } => None,
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, key) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
}
