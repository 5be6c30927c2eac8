//! The builders of the requests.

use bytes::Bytes;
use http_body_util::Full;
use hyper::Request;
use hyper::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE};
use hyper::http::request::Builder;

use crate::fleet::BenchWorkspace;
use crate::hostile::attempt::Attempt;

/// The prefix of the API's paths.
pub(super) const API: &str = "/api/telematics-mvp";

/// Returns the path to which a workspace's batches are posted.
pub(super) fn batch_path(workspace: &BenchWorkspace) -> String {
    format!("{}/ingest", workspace.path())
}

/// Adds a bearer token to a request.
pub(super) fn with_token(request: Builder, token: &str) -> Builder {
    request.header(AUTHORIZATION, format!("Bearer {token}"))
}

/// Makes a GET request with a token.
pub(super) fn get(token: &str, path: &str) -> Attempt {
    send(with_token(Request::get(path), token), Bytes::new())
}

/// Makes a POST request with a body that is declared as JSON.
pub(super) fn post(token: &str, path: &str, body: Bytes) -> Attempt {
    send(with_token(json(path), token), body)
}

/// Makes a POST request with a body that is declared as gzip-compressed JSON.
pub(super) fn gzip(token: &str, path: &str, body: Bytes) -> Attempt {
    let request = json(path).header(CONTENT_ENCODING, "gzip");
    send(with_token(request, token), body)
}

/// Makes an attempt of a request and its body.
pub(super) fn send(request: Builder, body: Bytes) -> Attempt {
    let request = request.body(Full::new(body));
    Attempt::Request(request.expect("parts that are valid by themselves"))
}

fn json(path: &str) -> Builder {
    Request::post(path).header(CONTENT_TYPE, "application/json")
}
