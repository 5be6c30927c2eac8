//! `GET /accounts/{account}/changes`: what has been reported since a cursor.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::App;
use super::entrance::{Entrance, enter};
use super::failure::RequestFailure;
use super::vehicles::{bearer, page_size_of};
use crate::cursor::ChangesCursor;

#[derive(Debug, Deserialize)]
pub(super) struct ChangesQuery {
    page_size: Option<usize>,
    cursor: Option<String>,
}

pub(super) async fn get(
    State(app): State<App>,
    Path(account): Path<String>,
    query: Result<Query<ChangesQuery>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, RequestFailure> {
    let cursor = query
        .as_ref()
        .ok()
        .and_then(|query| query.cursor.as_deref())
        .map(str::parse::<ChangesCursor>)
        .transpose();
    let first_page = !matches!(
        &cursor,
        Ok(Some(ChangesCursor {
            half_way: Some(_),
            ..
        }))
    );
    let _in_flight = match enter(&app, &account, first_page, bearer(&headers)).await? {
        Entrance::Open(in_flight) => in_flight,
        Entrance::Instead(answer) => return Ok(answer),
    };
    let Query(query) =
        query.map_err(|rejection| RequestFailure::BadRequest(rejection.body_text()))?;
    let page_size = page_size_of(query.page_size)?;
    let cursor = cursor.map_err(|no_cursor| RequestFailure::BadRequest(no_cursor.to_string()))?;
    let page = app.simulator.changes_page(&account, page_size, cursor)?;
    let page = page.ok_or(RequestFailure::CursorGone)?;
    Ok(Json(page).into_response())
}
