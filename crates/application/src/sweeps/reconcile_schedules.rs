//! Schedules: SQL is the truth, the scheduler is looked at one by one.

use std::collections::BTreeSet;

use domain::fleet::WorkspaceRecord;
use domain::schedules::{ScheduleName, ScheduleState, WorkspaceSchedule};
use domain::sweeps::{StepOutcome, SweptSchedules};
use futures::stream::{self, StreamExt};
use scheduling::{ScheduleCheck, Scheduler};

use crate::Core;
use crate::schedules::{ApplyError, apply_schedule};

/// Calls to the scheduler under way at once.
const CONCURRENCY: usize = 8;
/// Workspaces read at once.
const PAGE: i64 = 1_000;
/// So many schedules of workspaces that SQL does not know, and none that it knows: the group is another
/// deployment's, or the database is.
const STRANGERS_AT_MOST: usize = 10;

/// What one workspace's schedule was found to be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Found {
    InLine,
    Pending,
    Missing,
    Changed,
    Orphaned,
}

/// Compares the schedules of all workspaces with the scheduler's and repairs what differs, in both
/// directions. One that cannot be repaired costs the others nothing.
pub async fn reconcile_schedules(core: &Core, scheduler: &dyn Scheduler) -> SweptSchedules {
    let mut swept = SweptSchedules::new(StepOutcome::Completed);
    if let Err(error) = reconcile(core, scheduler, &mut swept).await {
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            "schedules could not be compared"
        );
        swept.error = Some(error.to_string());
    }
    if swept.error.is_some() || swept.not_repaired > 0 {
        swept.outcome = StepOutcome::Failed;
    }
    swept
}

async fn reconcile(
    core: &Core,
    scheduler: &dyn Scheduler,
    swept: &mut SweptSchedules,
) -> Result<(), ApplyError> {
    // Names first: whatever is among them was registered before, and is in SQL when that is read.
    let listed: BTreeSet<ScheduleName> = scheduler.names().await?.into_iter().collect();
    let records = all_workspaces(core).await?;
    let known: BTreeSet<ScheduleName> = records
        .iter()
        .map(|record| ScheduleName::of(&record.workspace.id))
        .collect();
    let strangers: Vec<&ScheduleName> = listed
        .difference(&known)
        .filter(|name| name.workspace_id().is_some())
        .collect();
    swept.foreign = count(listed.difference(&known).count() - strangers.len());
    if strangers.len() > STRANGERS_AT_MOST && listed.is_disjoint(&known) {
        swept.orphaned = count(strangers.len());
        swept.not_repaired = swept.orphaned;
        swept.error = Some(
            "none of the group's schedules is of a workspace in this database: they are let be"
                .to_owned(),
        );
        return Ok(());
    }
    let mut outcomes = stream::iter(records)
        .map(|record| {
            let is_listed = listed.contains(&ScheduleName::of(&record.workspace.id));
            async move {
                let outcome = reconcile_one(core, scheduler, &record, is_listed).await;
                (record, outcome)
            }
        })
        .buffer_unordered(CONCURRENCY);
    while let Some((record, outcome)) = outcomes.next().await {
        swept.checked += u32::from(record.workspace.active);
        match outcome {
            Ok((found, is_repaired)) => {
                *count_of(swept, found) += 1;
                swept.not_repaired += u32::from(!is_repaired);
            }
            Err(error) => {
                error.log(&record.workspace.id);
                swept.not_repaired += 1;
                swept.error = Some(error.to_string());
            }
        }
    }
    for name in strangers {
        swept.orphaned += 1;
        let token = core.ids.next(core.clock.now());
        if let Err(error) = scheduler.remove(name, token).await {
            swept.not_repaired += 1;
            swept.error = Some(error.to_string());
        }
    }
    Ok(())
}

/// What one workspace's schedule was, and whether it is now as wanted, as far as this sweep knows.
async fn reconcile_one(
    core: &Core,
    scheduler: &dyn Scheduler,
    record: &WorkspaceRecord,
    is_listed: bool,
) -> Result<(Found, bool), ApplyError> {
    let workspace = &record.workspace;
    let applied = core.store.applied_schedule(&workspace.id).await?;
    let found = if workspace.active {
        let wanted = WorkspaceSchedule::of(&workspace.id, workspace.schedule());
        let is_confirmed = applied.state(Some(&wanted.expression)) == ScheduleState::Applied;
        match (scheduler.compare(&wanted).await?, is_confirmed) {
            (ScheduleCheck::InLine, true) => return Ok((Found::InLine, true)),
            (_, false) => Found::Pending,
            (ScheduleCheck::Missing, true) => Found::Missing,
            (ScheduleCheck::Changed(members), true) => {
                tracing::warn!(workspace_id = %workspace.id, ?members, "the schedule was changed outside");
                Found::Changed
            }
        }
    } else if applied.state(None) != ScheduleState::Applied {
        Found::Pending
    } else if is_listed {
        Found::Orphaned
    } else {
        return Ok((Found::InLine, true));
    };
    // One that somebody else is at right now becomes as wanted by them.
    let is_applied = apply_schedule(core, scheduler, &workspace.id).await?;
    Ok((found, is_applied || found == Found::Pending))
}

fn count_of(swept: &mut SweptSchedules, found: Found) -> &mut u32 {
    match found {
        Found::InLine => &mut swept.in_line,
        Found::Pending => &mut swept.pending,
        Found::Missing => &mut swept.missing,
        Found::Changed => &mut swept.changed,
        Found::Orphaned => &mut swept.orphaned,
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

async fn all_workspaces(core: &Core) -> Result<Vec<WorkspaceRecord>, ApplyError> {
    let mut all: Vec<WorkspaceRecord> = Vec::new();
    loop {
        let after = all.last().map(|record| &record.workspace.id);
        let records = core.store.workspaces(after, PAGE).await?;
        if records.is_empty() {
            return Ok(all);
        }
        all.extend(records);
    }
}
