//! `bf-manage-core rebuild-snapshots`: proves on a live database that every snapshot equals its history, and
//! repairs the snapshots that differ.

use anyhow::{Context, ensure};
use application::history::{Comparison, compare_snapshots, repair_snapshots};
use application::{Author, Core};
use chrono::{DateTime, Utc};
use clap::Args;
use clock::Clock;
use domain::ids::WorkspaceId;

use crate::config::Settings;
use crate::instance::core;
use crate::serve::open;

/// The author of a repair.
const AUTHOR: Author<'static> = Author {
    id: "command:rebuild-snapshots",
    trace_id: None,
};
/// The workspaces that one statement reads.
const PAGE: i64 = 500;

/// The flags of `rebuild-snapshots`.
#[derive(Debug, Args)]
pub struct Flags {
    /// Only this workspace; may be given several times.
    #[arg(long = "workspace", value_name = "ID", value_parser = parse_workspace_id)]
    workspaces: Vec<WorkspaceId>,
    /// Only compares, and changes nothing.
    #[arg(long)]
    verify: bool,
    /// Starts from the newest baseline at or before this instant (RFC 3339), instead of the newest of all. This
    /// finds damage that a later baseline has copied.
    #[arg(long, value_name = "TIME")]
    since: Option<DateTime<Utc>>,
    /// One line of JSON for each workspace.
    #[arg(long)]
    json: bool,
}

fn parse_workspace_id(text: &str) -> Result<WorkspaceId, String> {
    WorkspaceId::try_new(text).map_err(|_| WorkspaceId::RULE.to_owned())
}

/// Compares or repairs each workspace, and prints the result of each as soon as there is one.
///
/// # Errors
/// A missing setting, an unreachable database or an unknown workspace; snapshots that differ from their history
/// and were not repaired.
pub async fn rebuild_snapshots(settings: Settings, flags: Flags) -> anyhow::Result<()> {
    let core = core(&settings, open(&settings)?, Clock::system());
    if !flags.verify {
        core.store.ensure_partitions(core.clock.now()).await?;
    }
    let mut total = Total::default();
    if flags.workspaces.is_empty() {
        let mut after = None;
        loop {
            let records = core.store.workspaces(after.as_ref(), PAGE).await?;
            let Some(last) = records.last() else { break };
            after = Some(last.workspace.id.clone());
            for record in &records {
                total.count(&rebuild_workspace(&core, &flags, &record.workspace.id).await?);
            }
        }
    }
    for id in &flags.workspaces {
        let record = core.store.workspace(id).await?;
        record.with_context(|| format!("there is no workspace {id}"))?;
        total.count(&rebuild_workspace(&core, &flags, id).await?);
    }
    if !flags.json {
        println!("{total}");
    }
    ensure!(
        total.not_proven == 0,
        "{} of {} snapshots are not proven",
        total.not_proven,
        total.devices
    );
    Ok(())
}

async fn rebuild_workspace(
    core: &Core,
    flags: &Flags,
    id: &WorkspaceId,
) -> anyhow::Result<Comparison> {
    let since = flags.since.unwrap_or_else(|| core.clock.now());
    let found = if flags.verify {
        compare_snapshots(core, id, since).await
    } else {
        repair_snapshots(core, AUTHOR, id, since).await
    };
    let found = found.with_context(|| format!("workspace {id}"))?;
    if flags.json {
        println!("{}", serde_json::to_string(&found)?);
    } else {
        print(&found);
    }
    Ok(found)
}

fn print(found: &Comparison) {
    println!(
        "{}: {} devices, {} differ, {} repaired, {} without their whole history",
        found.workspace_id, found.devices, found.differing, found.repaired, found.without_history
    );
    for device in &found.shown {
        for difference in &device.differences {
            println!(
                "  {} {}: stored {}, by its history {}",
                device.device_id, difference.member, difference.stored, difference.rebuilt
            );
        }
    }
    let more = found.differing - found.shown.len();
    if more > 0 {
        println!("  and {more} more");
    }
}

/// The counts over all workspaces.
#[derive(Debug, Default)]
struct Total {
    workspaces: usize,
    devices: usize,
    differing: usize,
    repaired: usize,
    /// The snapshots that differ, or whose history is incomplete, and that were not repaired.
    not_proven: usize,
}

impl Total {
    fn count(&mut self, found: &Comparison) {
        self.workspaces += 1;
        self.devices += found.devices;
        self.differing += found.differing;
        self.repaired += found.repaired;
        self.not_proven += found.not_proven();
    }
}

impl std::fmt::Display for Total {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} workspaces, {} devices: {} differ, {} repaired",
            self.workspaces, self.devices, self.differing, self.repaired
        )
    }
}
