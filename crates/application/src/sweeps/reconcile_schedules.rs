//! The sweep's comparison of schedules: each workspace's schedule is compared with the one that the database wants.

use std::collections::BTreeSet;

use domain::fleet::WorkspaceRecord;
use domain::schedules::{ScheduleName, ScheduleState, WorkspaceSchedule};
use domain::sweeps::{StepOutcome, SweptSchedules};
use futures::stream::{self, StreamExt};
use scheduling::{ScheduleCheck, Scheduler};

use crate::Core;
use crate::schedules::{ApplyError, apply_schedule};

/// The number of concurrent calls to the scheduler.
const CONCURRENCY: usize = 8;
/// The number of workspaces that one query returns.
const PAGE: i64 = 1_000;
/// The largest number of schedules of unknown workspaces that a sweep removes when no schedule is of a known workspace.
/// Beyond it, the schedule group or the database probably belongs to another deployment.
const MAX_UNKNOWN_SCHEDULES: usize = 10;

/// The result of comparing one workspace's schedule with the scheduler's.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ScheduleFinding {
    /// The scheduler holds what is wanted.
    InLine,
    /// The wanted schedule is not confirmed yet.
    Pending,
    /// The schedule was confirmed, but the scheduler does not hold it.
    Missing,
    /// The schedule was confirmed, but somebody changed it at the scheduler.
    Changed,
    /// The scheduler holds a schedule of an inactive workspace.
    Orphaned,
}

/// Compares the schedules of all workspaces with the scheduler's, applies those that differ, and removes those of no
/// workspace. A schedule that cannot be repaired does not stop the others.
pub async fn reconcile_schedules(core: &Core, scheduler: &dyn Scheduler) -> SweptSchedules {
    let mut swept = SweptSchedules::new(StepOutcome::Completed);
    if let Err(error) = reconcile(core, scheduler, &mut swept).await {
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            "the sweep could not compare schedules with the scheduler: the next sweep retries"
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
    // The names are read before the workspaces: a workspace with a listed schedule was registered earlier, and so is
    // among the workspaces that are read now.
    let listed: BTreeSet<ScheduleName> = scheduler.names().await?.into_iter().collect();
    let records = load_all_workspaces(core).await?;
    let known: BTreeSet<ScheduleName> = records
        .iter()
        .map(|record| ScheduleName::of(&record.workspace.id))
        .collect();
    let unknown: Vec<&ScheduleName> = listed
        .difference(&known)
        .filter(|name| name.workspace_id().is_some())
        .collect();
    swept.foreign = count(listed.difference(&known).count() - unknown.len());
    if unknown.len() > MAX_UNKNOWN_SCHEDULES && listed.is_disjoint(&known) {
        swept.orphaned = count(unknown.len());
        swept.not_repaired = swept.orphaned;
        swept.error = Some(
            "none of the group's schedules is of a workspace in this database, so none was removed: check the schedule \
             group and the database"
                .to_owned(),
        );
        return Ok(());
    }
    let mut outcomes = stream::iter(records)
        .map(|record| {
            let is_listed = listed.contains(&ScheduleName::of(&record.workspace.id));
            async move {
                let outcome = reconcile_workspace(core, scheduler, &record, is_listed).await;
                (record, outcome)
            }
        })
        .buffer_unordered(CONCURRENCY);
    while let Some((record, outcome)) = outcomes.next().await {
        swept.checked += u32::from(record.workspace.active);
        match outcome {
            Ok((found, is_repaired)) => {
                *counter_of(swept, found) += 1;
                swept.not_repaired += u32::from(!is_repaired);
            }
            Err(error) => {
                error.log(&record.workspace.id);
                swept.not_repaired += 1;
                swept.error = Some(error.to_string());
            }
        }
    }
    for name in unknown {
        swept.orphaned += 1;
        let token = core.ids.next(core.clock.now());
        if let Err(error) = scheduler.remove(name, token).await {
            swept.not_repaired += 1;
            swept.error = Some(error.to_string());
        }
    }
    Ok(())
}

/// Compares one workspace's schedule with the scheduler's and applies it if it differs. Returns what was found, and
/// whether the schedule is now as wanted, as far as this sweep knows.
async fn reconcile_workspace(
    core: &Core,
    scheduler: &dyn Scheduler,
    record: &WorkspaceRecord,
    is_listed: bool,
) -> Result<(ScheduleFinding, bool), ApplyError> {
    let workspace = &record.workspace;
    let applied = core.store.applied_schedule(&workspace.id).await?;
    let found = if workspace.active {
        let wanted = WorkspaceSchedule::of(&workspace.id, workspace.schedule());
        let is_confirmed = applied.state(Some(&wanted.expression)) == ScheduleState::Applied;
        match (scheduler.compare(&wanted).await?, is_confirmed) {
            (ScheduleCheck::InLine, true) => return Ok((ScheduleFinding::InLine, true)),
            (_, false) => ScheduleFinding::Pending,
            (ScheduleCheck::Missing, true) => ScheduleFinding::Missing,
            (ScheduleCheck::Changed(members), true) => {
                tracing::warn!(workspace_id = %workspace.id, ?members, "somebody changed a workspace's schedule at the scheduler: the wanted schedule is applied again");
                ScheduleFinding::Changed
            }
        }
    } else if applied.state(None) != ScheduleState::Applied {
        ScheduleFinding::Pending
    } else if is_listed {
        ScheduleFinding::Orphaned
    } else {
        return Ok((ScheduleFinding::InLine, true));
    };
    // A pending schedule that another instance has claimed counts as repaired: that instance applies it.
    let is_applied = apply_schedule(core, scheduler, &workspace.id).await?;
    Ok((found, is_applied || found == ScheduleFinding::Pending))
}

/// Returns the counter of a finding in the sweep's report.
fn counter_of(swept: &mut SweptSchedules, found: ScheduleFinding) -> &mut u32 {
    match found {
        ScheduleFinding::InLine => &mut swept.in_line,
        ScheduleFinding::Pending => &mut swept.pending,
        ScheduleFinding::Missing => &mut swept.missing,
        ScheduleFinding::Changed => &mut swept.changed,
        ScheduleFinding::Orphaned => &mut swept.orphaned,
    }
}

/// Converts a number of schedules to the report's type.
fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

async fn load_all_workspaces(core: &Core) -> Result<Vec<WorkspaceRecord>, ApplyError> {
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
