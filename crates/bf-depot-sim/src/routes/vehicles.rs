//! `GET /accounts/{account}/vehicles`: the provider protocol's one endpoint.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::response::{Html, IntoResponse, Response};
use serde::Deserialize;

use super::App;
use super::failure::Failure;
use crate::fault::Fault;
use crate::protocol::MAX_PAGE_SIZE;

#[derive(Debug, Deserialize)]
pub(super) struct PageQuery {
    page_size: Option<usize>,
    page_token: Option<String>,
}

pub(super) async fn get(
    State(app): State<App>,
    Path(account): Path<String>,
    query: Result<Query<PageQuery>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let first_page = query.as_ref().is_ok_and(|query| query.page_token.is_none());
    let now = app.simulator.settings.clock.now();
    let (_in_flight, fault, key) = app.simulator.with_account(&account, |running| {
        (
            running.requests.enter(first_page),
            running.fault_at(now),
            running.key.clone(),
        )
    })?;
    if let Some(instead) = faulty_answer(fault, &app).await {
        return instead;
    }
    if bearer(&headers) != Some(&key) {
        return Err(Failure::CredentialsRejected);
    }
    let Query(query) = query.map_err(|rejection| Failure::BadRequest(rejection.body_text()))?;
    let page_size = query.page_size.unwrap_or(MAX_PAGE_SIZE);
    if !(1..=MAX_PAGE_SIZE).contains(&page_size) {
        return Err(Failure::BadRequest(format!(
            "page_size is 1 to {MAX_PAGE_SIZE}"
        )));
    }
    let page = app
        .simulator
        .page(&account, page_size, query.page_token.as_deref())?;
    Ok(Json(page).into_response())
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

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, key) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
}
