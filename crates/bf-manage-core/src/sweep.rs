//! `bf-manage-core sweep`: runs one reconciliation sweep and prints what it found.

use std::time::Duration;

use anyhow::{Context, ensure};
use application::Author;
use application::sweeps::{Outside, Sweeper, request_sweep};
use clock::Clock;
use domain::sweeps::{StepOutcome, SweepReport, SweepStatus};
use tokio_util::sync::CancellationToken;

use crate::config::Settings;
use crate::instance::{core, shutdown_signal};
use crate::production::refuse_dev_settings;
use crate::serve::{open, scheduler};

/// Whom the sweep names as its author.
const AUTHOR: Author<'static> = Author {
    id: "command:sweep",
    trace_id: None,
};
/// Another instance may have taken the sweep, or hold an earlier one.
const BETWEEN_LOOKS: Duration = Duration::from_millis(500);

/// Runs a sweep to its end, here or on the instance that was quicker.
///
/// # Errors
/// A missing setting, an unreachable database, a sweep that did not complete.
pub async fn sweep(settings: Settings) -> anyhow::Result<()> {
    refuse_dev_settings(&settings, None)?;
    let outside = Outside::new(scheduler(&settings).await?);
    let core = core(&settings, open(&settings)?, Clock::system());
    let sweep_id = request_sweep(&core, AUTHOR)
        .await
        .context("a sweep cannot be asked for")?;
    let shutdown = shutdown_signal()?;
    let sweeper = Sweeper::new(core.clone(), outside);
    let record = loop {
        sweeper.take_one(&shutdown).await?;
        let record = core.store.sweep(sweep_id).await?;
        let record = record.context("the sweep is gone")?;
        if record.status.is_terminal() {
            break record;
        }
        ensure!(!is_stopped_within(&core.clock, &shutdown).await, "stopped");
    };
    println!("sweep {sweep_id} {}", record.status);
    if let Some(report) = &record.report {
        print(report);
    }
    ensure!(
        record.status == SweepStatus::Completed,
        "the sweep is {}: {}",
        record.status,
        record.error.as_deref().unwrap_or("see above")
    );
    Ok(())
}

async fn is_stopped_within(clock: &Clock, shutdown: &CancellationToken) -> bool {
    tokio::select! {
        () = shutdown.cancelled() => true,
        () = clock.sleep(BETWEEN_LOOKS) => false,
    }
}

fn print(report: &SweepReport) {
    let schedules = &report.schedules;
    println!(
        "schedules: {}",
        told(schedules.outcome, schedules.error.as_deref())
    );
    for (what, count) in [
        ("checked", schedules.checked),
        ("in line", schedules.in_line),
        ("pending", schedules.pending),
        ("missing", schedules.missing),
        ("changed", schedules.changed),
        ("orphaned", schedules.orphaned),
        ("foreign", schedules.foreign),
        ("not repaired", schedules.not_repaired),
    ] {
        println!("  {what:<13}{count}");
    }
    let partitions = &report.partitions;
    println!(
        "partitions: {}",
        told(partitions.outcome, partitions.error.as_deref())
    );
    println!("  {:<13}{}", "dropped", partitions.dropped.len());
    let registry = &report.legacy_registry;
    println!(
        "legacy registry: {}",
        told(registry.outcome, registry.error.as_deref())
    );
    println!("  {:<13}{}", "mirrored", registry.mirrored);
    let records = &report.old_records;
    println!(
        "old records: {}",
        told(records.outcome, records.error.as_deref())
    );
    println!("  {:<13}{}", "poll cycles", records.poll_cycles);
    println!("  {:<13}{}", "sweeps", records.sweeps);
}

fn told(outcome: StepOutcome, error: Option<&str>) -> String {
    match error {
        Some(error) => format!("{outcome} ({error})"),
        None => outcome.to_string(),
    }
}
