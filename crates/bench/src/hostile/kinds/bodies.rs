//! Requests whose bodies cannot be read, have a wrong shape, or are too large.

use bytes::Bytes;
use hyper::Request;
use hyper::header::CONTENT_TYPE;
use rand_chacha::ChaCha8Rng;

use super::form::{batch_path, gzip, post, send, with_token};
use crate::hostile::attempt::Attempt;
use crate::hostile::stage::{Stage, any};

/// The depth of nested JSON: deeper than any parser of JSON goes.
const DEPTH: usize = 20_000;

pub(super) fn no_json(stage: &Stage, chance: &mut ChaCha8Rng) -> Attempt {
    let bodies = [
        "",
        "{",
        "nonsense",
        r#"{"updates":[}"#,
        r#"{"updates":[1,]}"#,
        "\u{0}\u{0}",
        r#"{"updates":[]} x"#,
    ];
    let body = *any(&bodies, chance);
    post_body(stage, chance, body)
}

pub(super) fn wrong_shape(stage: &Stage, chance: &mut ChaCha8Rng) -> Attempt {
    let bodies = [
        "[]",
        "null",
        "7",
        "{}",
        r#"{"updates":{}}"#,
        r#"{"updates":[]}"#,
        r#"{"updates":"x"}"#,
        r#"{"updates":[],"more":1}"#,
        r#"{"updates":[{}],"updates":[{}]}"#,
    ];
    let body = *any(&bodies, chance);
    post_body(stage, chance, body)
}

pub(super) fn wrong_items(stage: &Stage, chance: &mut ChaCha8Rng) -> Attempt {
    let body = r#"{"updates":[1,null,"x",[],{"device_id":7},{"device_id":"nobody","observed_at":"soon","signals":{"speed_kmh":"fast"}}]}"#;
    post_body(stage, chance, body)
}

pub(super) fn nested_items(stage: &Stage, chance: &mut ChaCha8Rng) -> Attempt {
    let (open, close) = ("[".repeat(DEPTH), "]".repeat(DEPTH));
    post_body(stage, chance, format!(r#"{{"updates":[{open}{close}]}}"#))
}

pub(super) fn nested_body(stage: &Stage, chance: &mut ChaCha8Rng) -> Attempt {
    let nested = r#"{"x":["#.repeat(DEPTH);
    post_body(stage, chance, format!(r#"{{"updates":{nested}"#))
}

pub(super) fn another_type(stage: &Stage, chance: &mut ChaCha8Rng) -> Attempt {
    let path = batch_path(stage.workspace(chance));
    let request = Request::post(path).header(CONTENT_TYPE, "text/xml");
    send(with_token(request, &stage.ingest), "<updates/>".into())
}

pub(super) fn nine_mebibytes(stage: &Stage, chance: &mut ChaCha8Rng) -> Attempt {
    post_body(stage, chance, vec![b' '; 9 << 20])
}

pub(super) fn bomb(stage: &Stage, chance: &mut ChaCha8Rng) -> Attempt {
    let path = batch_path(stage.workspace(chance));
    gzip(&stage.ingest, &path, stage.bomb.clone())
}

pub(super) fn no_gzip(stage: &Stage, chance: &mut ChaCha8Rng) -> Attempt {
    let path = batch_path(stage.workspace(chance));
    gzip(&stage.ingest, &path, "no gzip".into())
}

/// Posts a body to the ingest endpoint of some workspace, as JSON.
fn post_body(stage: &Stage, chance: &mut ChaCha8Rng, body: impl Into<Bytes>) -> Attempt {
    let path = batch_path(stage.workspace(chance));
    post(&stage.ingest, &path, body.into())
}
