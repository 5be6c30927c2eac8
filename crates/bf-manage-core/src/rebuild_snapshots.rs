//! `bf-manage-core rebuild-snapshots`: proves on a live database that every snapshot is what its history
//! adds up to, and puts right what is not.

use anyhow::{Context, ensure};
use application::history::{Comparison, compare_snapshots, repair_snapshots};
use application::{Author, Core};
use chrono::{DateTime, Utc};
use clap::Args;
use clock::Clock;
use domain::ids::WorkspaceId;
use persistence::Page;

use crate::config::Settings;
use crate::instance::core;
use crate::serve::open;

/// Whom a repair names as its author.
const AUTHOR: Author<'static> = Author {
    id: "command:rebuild-snapshots",
    trace_id: None,
};
/// Workspaces read with one statement.
const PAGE: i64 = 500;

/// What is rebuilt, from where on, and what becomes of it.
#[derive(Debug, Args)]
pub struct Flags {
    /// Only this workspace; may be given several times.
    #[arg(long = "workspace", value_name = "ID", value_parser = workspace_id)]
    workspaces: Vec<WorkspaceId>,
    /// Only compares; changes nothing.
    #[arg(long)]
    verify: bool,
    /// Begins with the newest baseline at this instant or before (RFC 3339), not with the newest of all:
    /// finds what a later baseline has taken over.
    #[arg(long, value_name = "TIME")]
    since: Option<DateTime<Utc>>,
    /// One line of JSON for each workspace.
    #[arg(long)]
    json: bool,
}

fn workspace_id(text: &str) -> Result<WorkspaceId, String> {
    WorkspaceId::try_new(text).map_err(|_| WorkspaceId::RULE.to_owned())
}

/// Goes through the workspaces, and tells of each as it is done.
///
/// # Errors
/// A missing setting, an unreachable database, an unknown workspace; and whatever is not as its history
/// has it, and was not put right.
pub async fn rebuild_snapshots(settings: Settings, flags: Flags) -> anyhow::Result<()> {
    let core = core(&settings, open(&settings)?, Clock::system());
    let mut page = Page {
        after: None,
        limit: PAGE,
    };
    if !flags.verify {
        core.store.ensure_partitions(core.clock.now()).await?;
    }
    let mut total = Total::default();
    if flags.workspaces.is_empty() {
        loop {
            let records = core.store.workspaces(&page).await?;
            let Some(last) = records.last() else { break };
            page.after = Some(last.workspace.id.to_string());
            for record in &records {
                total.count(&one(&core, &flags, &record.workspace.id).await?);
            }
        }
    }
    for id in &flags.workspaces {
        let record = core.store.workspace(id).await?;
        record.with_context(|| format!("there is no workspace {id}"))?;
        total.count(&one(&core, &flags, id).await?);
    }
    if !flags.json {
        println!("{total}");
    }
    ensure!(
        total.open == 0,
        "{} of {} snapshots are not proven",
        total.open,
        total.devices
    );
    Ok(())
}

async fn one(core: &Core, flags: &Flags, id: &WorkspaceId) -> anyhow::Result<Comparison> {
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

/// Over all workspaces.
#[derive(Debug, Default)]
struct Total {
    workspaces: usize,
    devices: usize,
    differing: usize,
    repaired: usize,
    /// Neither as their history has them nor put right.
    open: usize,
}

impl Total {
    fn count(&mut self, found: &Comparison) {
        self.workspaces += 1;
        self.devices += found.devices;
        self.differing += found.differing;
        self.repaired += found.repaired;
        self.open += found.not_proven();
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
