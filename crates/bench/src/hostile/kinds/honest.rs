//! The requests that well-behaved people and machines send all day.

use rand_chacha::ChaCha8Rng;

use super::form::{API, batch_path, get, gzip, post};
use crate::hostile::attempt::Attempt;
use crate::hostile::stage::{Stage, any, compressed};

pub(super) fn health(stage: &Stage, chance: &mut ChaCha8Rng) -> Attempt {
    let (token, workspace) = stage.viewer(chance);
    get(token, &format!("{}/health", workspace.path()))
}

pub(super) fn snapshots(stage: &Stage, chance: &mut ChaCha8Rng) -> Attempt {
    let (token, workspace) = stage.viewer(chance);
    get(token, &format!("{}/snapshots?limit=10", workspace.path()))
}

pub(super) fn configuration(stage: &Stage, chance: &mut ChaCha8Rng) -> Attempt {
    let (token, workspace) = stage.viewer(chance);
    let device = format!("devices/{}", any(&workspace.devices, chance));
    let what = [&*device, "policy", "poll-cycles", "features"];
    let path = format!("{}/{}", workspace.path(), any(&what, chance));
    get(token, &path)
}

pub(super) fn workspaces(stage: &Stage, chance: &mut ChaCha8Rng) -> Attempt {
    get(stage.staff(chance), &format!("{API}/workspaces"))
}

pub(super) fn snapshot(stage: &Stage, chance: &mut ChaCha8Rng) -> Attempt {
    let workspace = stage.workspace(chance);
    let device = any(&workspace.devices, chance);
    let path = format!("{}/snapshots/{device}", workspace.path());
    get(&stage.read, &path)
}

pub(super) fn batch(stage: &Stage, chance: &mut ChaCha8Rng) -> Attempt {
    let workspace = stage.workspace(chance);
    let batch = workspace.batch(stage.clock.now());
    post(&stage.ingest, &batch_path(workspace), batch)
}

pub(super) fn compressed_batch(stage: &Stage, chance: &mut ChaCha8Rng) -> Attempt {
    let workspace = stage.workspace(chance);
    let batch = workspace.batch(stage.clock.now());
    gzip(&stage.ingest, &batch_path(workspace), compressed(&batch))
}
