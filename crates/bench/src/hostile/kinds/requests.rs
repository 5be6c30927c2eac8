//! Requests that the API does not offer: unknown routes, methods, parameters and cursors.

use bytes::Bytes;
use hyper::{Method, Request};
use rand::Rng as _;
use rand_chacha::ChaCha8Rng;

use super::form::{API, get, send, with_token};
use crate::hostile::attempt::Attempt;
use crate::hostile::stage::{Stage, any};

pub(super) fn unknown_route(stage: &Stage, chance: &mut ChaCha8Rng) -> Attempt {
    let (token, workspace) = stage.viewer(chance);
    let paths = [
        "/wp-login.php",
        "/.env",
        "/api",
        "/api/telematics-mvp/nope",
        "//",
        "/..%2f..%2fetc/passwd",
    ];
    let path = if chance.random() {
        (*any(&paths, chance)).to_owned()
    } else {
        format!("{}/nope", workspace.path())
    };
    get(token, &path)
}

pub(super) fn unknown_method(stage: &Stage, chance: &mut ChaCha8Rng) -> Attempt {
    let (token, workspace) = stage.viewer(chance);
    let methods = [
        Method::DELETE,
        Method::PATCH,
        Method::OPTIONS,
        Method::TRACE,
    ];
    let request = Request::builder().method(any(&methods, chance));
    let request = request.uri(format!("{}/health", workspace.path()));
    send(with_token(request, token), Bytes::new())
}

pub(super) fn no_id(stage: &Stage, chance: &mut ChaCha8Rng) -> Attempt {
    let ids = [
        "-x",
        "a%20b",
        "%ff",
        "a%00b",
        "%27%20or%201=1--",
        "n%C3%B6rd",
        "%F0%9F%9A%9A",
    ];
    let path = format!("{API}/workspaces/{}/health", any(&ids, chance));
    get(stage.staff(chance), &path)
}

pub(super) fn bad_parameter(stage: &Stage, chance: &mut ChaCha8Rng) -> Attempt {
    let (token, workspace) = stage.viewer(chance);
    let queries = [
        "nope=1",
        "limit=0",
        "limit=-1",
        "limit=99999999999999999999",
        "limit=1&limit=1",
        "state=ill",
    ];
    let path = format!("{}/health?{}", workspace.path(), any(&queries, chance));
    get(token, &path)
}

pub(super) fn no_cursor(stage: &Stage, chance: &mut ChaCha8Rng) -> Attempt {
    let (token, workspace) = stage.viewer(chance);
    let cursors = [
        "x",
        "e30",
        // A well-formed cursor of a list that does not exist.
        "eyJsIjoiIiwidCI6IjIwMjYtMDEtMDFUMDA6MDA6MDBaIiwiYSI6IngifQ",
        "%00",
        "AAAA",
    ];
    let cursor = any(&cursors, chance);
    get(
        token,
        &format!("{}/devices?cursor={cursor}", workspace.path()),
    )
}
