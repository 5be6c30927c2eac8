//! Connections that are slow, break off, or do not speak HTTP.

use std::fmt::Write as _;
use std::time::Duration;

use bytes::Bytes;
use rand_chacha::ChaCha8Rng;

use super::form::batch_path;
use crate::hostile::attempt::{Attempt, Raw};
use crate::hostile::stage::{Stage, any};

/// The pause between two bytes of a slow caller, so that its request takes longer than the service waits.
const PAUSE: Duration = Duration::from_millis(20);

pub(super) fn many_headers(_: &Stage, _: &mut ChaCha8Rng) -> Attempt {
    let mut head = "GET /livez HTTP/1.1\r\nhost: x\r\n".to_owned();
    for at in 0..200 {
        // Writing to a string cannot fail.
        let _ = write!(head, "x-{at}: y\r\n");
    }
    at_once(head + "\r\n")
}

pub(super) fn not_http(_: &Stage, chance: &mut ChaCha8Rng) -> Attempt {
    let noises = [
        "\u{16}\u{3}\u{1}\u{2}\u{0}",
        "SSH-2.0-x\r\n\r\n",
        "GET\r\n\r\n",
        "{}\r\n\r\n\r\n",
    ];
    at_once(*any(&noises, chance))
}

pub(super) fn slow_head(stage: &Stage, chance: &mut ChaCha8Rng) -> Attempt {
    let head = viewer_request(stage, chance);
    // The empty line that would end the head is cut off, so that the head never ends.
    byte_by_byte(head.trim_end().to_owned())
}

pub(super) fn slow_body(stage: &Stage, chance: &mut ChaCha8Rng) -> Attempt {
    byte_by_byte(batch_head(stage, chance) + &" ".repeat(5_000))
}

pub(super) fn breaks_off(stage: &Stage, chance: &mut ChaCha8Rng) -> Attempt {
    without_waiting(batch_head(stage, chance) + r#"{"updates":["#)
}

pub(super) fn does_not_wait(stage: &Stage, chance: &mut ChaCha8Rng) -> Attempt {
    without_waiting(viewer_request(stage, chance))
}

/// Returns a complete request of a viewer.
fn viewer_request(stage: &Stage, chance: &mut ChaCha8Rng) -> String {
    let (token, workspace) = stage.viewer(chance);
    let path = workspace.path();
    format!("GET {path}/health HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\r\n")
}

/// Returns the head of a machine's request with a batch.
fn batch_head(stage: &Stage, chance: &mut ChaCha8Rng) -> String {
    let (path, token) = (batch_path(stage.workspace(chance)), &stage.ingest);
    format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\ncontent-length: 100000\r\n\r\n"
    )
}

fn at_once(bytes: impl Into<Bytes>) -> Attempt {
    raw(bytes.into(), None, false)
}

fn byte_by_byte(bytes: String) -> Attempt {
    raw(bytes.into(), Some(PAUSE), false)
}

fn without_waiting(bytes: String) -> Attempt {
    raw(bytes.into(), None, true)
}

fn raw(bytes: Bytes, pause: Option<Duration>, aborts: bool) -> Attempt {
    Attempt::Raw(Raw {
        bytes,
        pause,
        aborts,
    })
}
