//! Storing an answer for an idempotency key, and replaying it.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::idempotency::KeptAnswer;
use http_body_util::{BodyExt, Collected};

use crate::problem::{Problem, ProblemKind};

/// The header of an answer that was stored by an earlier request.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// The headers that belong to a body and are stored with it. All others belong to the request that is being
/// answered.
const STORED_HEADERS: [HeaderName; 3] = [header::CONTENT_TYPE, header::ETAG, header::LOCATION];

/// The longest answer that is stored: twice the answer to a batch of 10,000 ordinary updates. A request with a
/// longer answer runs again when it is repeated.
const MAX_STORED_BYTES: usize = 4 * 1024 * 1024;

/// Reads an answer to its end. Returns the answer and the part of it that is to be stored, if any.
pub(super) async fn split_stored_part(answer: Response) -> (Response, Option<KeptAnswer>) {
    if !answer.status().is_success() {
        return (answer, None);
    }
    let (parts, body) = answer.into_parts();
    // Our answers are complete before they are sent, so reading one does not fail.
    let Ok(body) = body.collect().await.map(Collected::to_bytes) else {
        return (Problem::of(ProblemKind::INTERNAL).into_response(), None);
    };
    let stored = (body.len() <= MAX_STORED_BYTES).then(|| KeptAnswer {
        status: parts.status.as_u16(),
        headers: select_stored_headers(&parts.headers),
        body: body.to_vec(),
    });
    (Response::from_parts(parts, Body::from(body)), stored)
}

fn select_stored_headers(headers: &HeaderMap) -> BTreeMap<String, String> {
    STORED_HEADERS
        .iter()
        .filter_map(|name| {
            let value = headers.get(name)?.to_str().ok()?;
            Some((name.as_str().to_owned(), value.to_owned()))
        })
        .collect()
}

/// Builds the answer to a repeated request from the stored answer.
pub(super) fn replay(stored: KeptAnswer) -> Response {
    let mut answer = Response::new(Body::from(stored.body));
    *answer.status_mut() = StatusCode::from_u16(stored.status).unwrap_or(StatusCode::OK);
    let headers = answer.headers_mut();
    for (name, value) in &stored.headers {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), value.parse()) {
            headers.insert(name, value);
        }
    }
    headers.insert(REPLAYED, HeaderValue::from_static("true"));
    answer
}
