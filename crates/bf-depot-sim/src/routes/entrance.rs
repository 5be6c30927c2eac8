//! What every request to a provider meets first: it is counted, then the account's fault, then the key.

use axum::response::{Html, IntoResponse, Response};

use super::App;
use super::failure::Failure;
use crate::fault::Fault;
use crate::requests::InFlight;

/// A request at an account.
pub(super) enum Entrance {
    /// It is answered, and counted as long as this lives.
    Open(InFlight),
    /// It is answered with this instead.
    Instead(Response),
}

/// Lets a request in that came with this key, if with any.
pub(super) async fn enter(
    app: &App,
    account: &str,
    first_page: bool,
    key: Option<&str>,
) -> Result<Entrance, Failure> {
    let now = app.simulator.settings.clock.now();
    let (in_flight, fault, expected) = app.simulator.with_account(account, |running| {
        (
            running.requests.enter(first_page),
            running.fault_at(now),
            running.key.clone(),
        )
    })?;
    if let Some(instead) = faulty_answer(fault, app).await {
        return instead.map(Entrance::Instead);
    }
    if key != Some(&expected) {
        return Err(Failure::CredentialsRejected);
    }
    Ok(Entrance::Open(in_flight))
}

/// What a fault answers in place of the vehicles; none when they are answered after all.
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
