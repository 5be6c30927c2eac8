//! `GET /accounts/{account}/vehicles`: all vehicles, page by page.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::App;
use super::entrance::{Entrance, enter};
use super::failure::RequestFailure;
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
) -> Result<Response, RequestFailure> {
    let first_page = query.as_ref().is_ok_and(|query| query.page_token.is_none());
    let _in_flight = match enter(&app, &account, first_page, bearer(&headers)).await? {
        Entrance::Open(in_flight) => in_flight,
        Entrance::Instead(answer) => return Ok(answer),
    };
    let Query(query) =
        query.map_err(|rejection| RequestFailure::BadRequest(rejection.body_text()))?;
    let page_size = page_size_of(query.page_size)?;
    let page = app
        .simulator
        .vehicle_page(&account, page_size, query.page_token.as_deref())?;
    Ok(Json(page).into_response())
}

/// Returns the page size that was asked for, or [`MAX_PAGE_SIZE`] if none was.
pub(super) fn page_size_of(asked: Option<usize>) -> Result<usize, RequestFailure> {
    let page_size = asked.unwrap_or(MAX_PAGE_SIZE);
    if (1..=MAX_PAGE_SIZE).contains(&page_size) {
        Ok(page_size)
    } else {
        Err(RequestFailure::BadRequest(format!(
            "page_size is {page_size}, but must be 1 to {MAX_PAGE_SIZE}"
        )))
    }
}

/// Returns the bearer token of a request, if the request has one.
pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, key) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
}
