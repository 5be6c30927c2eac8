//! `POST /accounts/{account}/api/v2/state`: ViriCiti's last values.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::App;
use super::any_type_json::AnyTypeJson;
use super::entrance::{Entrance, enter};
use super::failure::RequestFailure;
use crate::viriciti;

#[derive(Debug, Deserialize)]
pub(super) struct KeyQuery {
    #[serde(rename = "apiKey")]
    api_key: Option<String>,
}

/// The labels that are asked for, by vehicle.
type AskedLabels = BTreeMap<String, Vec<String>>;

pub(super) async fn post(
    State(app): State<App>,
    Path(account): Path<String>,
    query: Result<Query<KeyQuery>, QueryRejection>,
    headers: HeaderMap,
    body: Result<AnyTypeJson<AskedLabels>, RequestFailure>,
) -> Result<Response, RequestFailure> {
    let in_query = query.ok().and_then(|Query(query)| query.api_key);
    let in_header = headers.get("x-api-key").and_then(|key| key.to_str().ok());
    let key = in_header.or(in_query.as_deref());
    let _in_flight = match enter(&app, &account, true, key).await? {
        Entrance::Open(in_flight) => in_flight,
        Entrance::Instead(answer) => return Ok(answer),
    };
    let AnyTypeJson(mut asked) = body?;
    let now = app.simulator.settings.clock.now();
    // ViriCiti leaves out unknown vehicles without an error, and so does this answer.
    let answer: BTreeMap<_, _> = app
        .simulator
        .readings_at(&account, now)?
        .into_iter()
        .filter_map(|vehicle| {
            let labels = asked.remove(&vehicle.id)?;
            let state = viriciti::state(&vehicle, labels);
            Some((vehicle.id, state))
        })
        .collect();
    Ok(Json(answer).into_response())
}
