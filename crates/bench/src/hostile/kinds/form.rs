//! The forms that requests have.

use bytes::Bytes;
use http_body_util::Full;
use hyper::Request;
use hyper::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE};
use hyper::http::request::Builder;

use crate::fleet::BenchWorkspace;
use crate::hostile::attempt::Attempt;

/// What most paths start with.
pub(super) const API: &str = "/api/telematics-mvp";

/// Where a workspace's batches go.
pub(super) fn batch_path(workspace: &BenchWorkspace) -> String {
    format!("{}/ingest", workspace.path())
}

/// Shows a token.
pub(super) fn with_token(request: Builder, token: &str) -> Builder {
    request.header(AUTHORIZATION, format!("Bearer {token}"))
}

/// Asks.
pub(super) fn get(token: &str, path: &str) -> Attempt {
    send(with_token(Request::get(path), token), Bytes::new())
}

/// Brings what is said to be JSON.
pub(super) fn post(token: &str, path: &str, body: Bytes) -> Attempt {
    send(with_token(json(path), token), body)
}

/// Brings what is said to be compressed JSON.
pub(super) fn gzip(token: &str, path: &str, body: Bytes) -> Attempt {
    let request = json(path).header(CONTENT_ENCODING, "gzip");
    send(with_token(request, token), body)
}

/// As it is.
pub(super) fn send(request: Builder, body: Bytes) -> Attempt {
    let request = request.body(Full::new(body));
    Attempt::Request(request.expect("parts that are valid by themselves"))
}

fn json(path: &str) -> Builder {
    Request::post(path).header(CONTENT_TYPE, "application/json")
}
