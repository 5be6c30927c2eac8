//! Requests of callers who are not who they claim to be, or who lack the permission.

use bytes::Bytes;
use hyper::Request;
use hyper::header::AUTHORIZATION;
use rand::Rng as _;
use rand_chacha::ChaCha8Rng;

use super::form::{API, batch_path, get, post, send, with_token};
use crate::hostile::attempt::Attempt;
use crate::hostile::stage::{Stage, any};

pub(super) fn no_token(stage: &Stage, chance: &mut ChaCha8Rng) -> Attempt {
    send(Request::get(any_health_path(stage, chance)), Bytes::new())
}

pub(super) fn another_scheme_or_two_tokens(stage: &Stage, chance: &mut ChaCha8Rng) -> Attempt {
    let (token, workspace) = stage.viewer(chance);
    let request = Request::get(format!("{}/health", workspace.path()));
    let request = if chance.random() {
        request.header(AUTHORIZATION, "Basic eDp5")
    } else {
        with_token(with_token(request, token), token)
    };
    send(request, Bytes::new())
}

pub(super) fn rubbish(stage: &Stage, chance: &mut ChaCha8Rng) -> Attempt {
    let length = chance.random_range(1..12_000);
    let rubbish = &"a.b".repeat(length)[..length];
    get(rubbish, &any_health_path(stage, chance))
}

pub(super) fn expired(stage: &Stage, chance: &mut ChaCha8Rng) -> Attempt {
    let token: &String = any(&stage.expired, chance);
    get(token, &any_health_path(stage, chance))
}

pub(super) fn forged(stage: &Stage, chance: &mut ChaCha8Rng) -> Attempt {
    get(&stage.forged(chance), &any_health_path(stage, chance))
}

pub(super) fn by_a_stranger(stage: &Stage, chance: &mut ChaCha8Rng) -> Attempt {
    let token: &String = any(&stage.by_a_stranger, chance);
    get(token, &any_health_path(stage, chance))
}

pub(super) fn another_scope(stage: &Stage, chance: &mut ChaCha8Rng) -> Attempt {
    let workspace = stage.workspace(chance);
    if chance.random() {
        let batch = workspace.batch(stage.clock.now());
        post(&stage.read, &batch_path(workspace), batch)
    } else {
        get(&stage.ingest, &format!("{}/health", workspace.path()))
    }
}

pub(super) fn a_person_instead(stage: &Stage, chance: &mut ChaCha8Rng) -> Attempt {
    let (token, workspace) = stage.viewer(chance);
    if chance.random() {
        let batch = workspace.batch(stage.clock.now());
        post(token, &batch_path(workspace), batch)
    } else {
        get(token, &format!("{}/cutover", workspace.path()))
    }
}

pub(super) fn another_workspace(stage: &Stage, chance: &mut ChaCha8Rng) -> Attempt {
    let (token, own) = stage.viewer(chance);
    let other = stage.workspace(chance);
    let id = if other.id == own.id {
        "nowhere"
    } else {
        &other.id
    };
    get(token, &format!("{API}/workspaces/{id}/snapshots"))
}

/// Returns the path of the health of some workspace.
fn any_health_path(stage: &Stage, chance: &mut ChaCha8Rng) -> String {
    format!("{}/health", stage.workspace(chance).path())
}
