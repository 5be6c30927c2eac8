//! What is kept of an answer, and how it is given again.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use http_body_util::{BodyExt, Collected};
use persistence::idempotency::KeptAnswer;

use crate::problem::{Problem, ProblemKind};

/// Says of an answer that it was kept from an earlier request.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// The headers that belong to a body; all others are of the request that is being answered.
const KEPT_HEADERS: [HeaderName; 3] = [header::CONTENT_TYPE, header::ETAG, header::LOCATION];

/// Longer answers are not kept: twice what a batch of 10,000 ordinary updates is answered. Such a
/// request is run again when it comes again.
const ANSWER_AT_MOST: usize = 4 * 1024 * 1024;

/// The answer, and what is to be kept of it.
pub(super) async fn kept(answer: Response) -> (Response, Option<KeptAnswer>) {
    if !answer.status().is_success() {
        return (answer, None);
    }
    let (parts, body) = answer.into_parts();
    // Our answers are whole before they are sent, so they do not break off.
    let Ok(body) = body.collect().await.map(Collected::to_bytes) else {
        return (Problem::of(ProblemKind::INTERNAL).into_response(), None);
    };
    let kept = (body.len() <= ANSWER_AT_MOST).then(|| KeptAnswer {
        status: parts.status.as_u16(),
        headers: kept_headers(&parts.headers),
        body: body.to_vec(),
    });
    (Response::from_parts(parts, Body::from(body)), kept)
}

fn kept_headers(headers: &HeaderMap) -> BTreeMap<String, String> {
    KEPT_HEADERS
        .iter()
        .filter_map(|name| {
            let value = headers.get(name)?.to_str().ok()?;
            Some((name.as_str().to_owned(), value.to_owned()))
        })
        .collect()
}

/// A kept answer, given again.
pub(super) fn replayed(kept: KeptAnswer) -> Response {
    let mut answer = Response::new(Body::from(kept.body));
    *answer.status_mut() = StatusCode::from_u16(kept.status).unwrap_or(StatusCode::OK);
    let headers = answer.headers_mut();
    for (name, value) in &kept.headers {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), value.parse()) {
            headers.insert(name, value);
        }
    }
    headers.insert(REPLAYED, HeaderValue::from_static("true"));
    answer
}
