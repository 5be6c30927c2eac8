//! `bf-manage-core sweep`: runs one reconciliation sweep and prints what it found.

use std::time::Duration;

use anyhow::{Context, ensure};
use application::Author;
use application::sweeps::{ExternalSystems, Sweeper, request_sweep};
use clock::Clock;
use domain::sweeps::{StepOutcome, SweepReport, SweepStatus};
use tokio_util::sync::CancellationToken;

use crate::config::Settings;
use crate::instance::{core, shutdown_signal};
use crate::production::refuse_dev_settings;
use crate::serve::{connect_scheduler, open};

/// The author of the sweep.
const AUTHOR: Author<'static> = Author {
    id: "command:sweep",
    trace_id: None,
};
/// The time between two checks whether the sweep has ended. Another instance may have claimed it, or may still run
/// an earlier one.
const CHECK_INTERVAL: Duration = Duration::from_millis(500);

/// Requests a sweep and waits for its end. It runs here, or on another instance that claims it first.
///
/// # Errors
/// A missing setting, an unreachable database, or a sweep that did not complete.
pub async fn sweep(settings: Settings) -> anyhow::Result<()> {
    refuse_dev_settings(&settings, None)?;
    let external = ExternalSystems::new(connect_scheduler(&settings).await?);
    let core = core(&settings, open(&settings)?, Clock::system());
    let sweep_id = request_sweep(&core, AUTHOR)
        .await
        .context("a sweep cannot be requested")?;
    let shutdown = shutdown_signal()?;
    let sweeper = Sweeper::new(core.clone(), external);
    let record = loop {
        sweeper.take_one(&shutdown).await?;
        let record = core.store.sweep(sweep_id).await?;
        let record = record.context("the sweep is gone")?;
        if record.status.is_terminal() {
            break record;
        }
        ensure!(
            !shuts_down_while_waiting(&core.clock, &shutdown).await,
            "stopped"
        );
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

async fn shuts_down_while_waiting(clock: &Clock, shutdown: &CancellationToken) -> bool {
    tokio::select! {
        () = shutdown.cancelled() => true,
        () = clock.sleep(CHECK_INTERVAL) => false,
    }
}

fn print(report: &SweepReport) {
    let schedules = &report.schedules;
    println!(
        "schedules: {}",
        render_step(schedules.outcome, schedules.error.as_deref())
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
        render_step(partitions.outcome, partitions.error.as_deref())
    );
    println!("  {:<13}{}", "dropped", partitions.dropped.len());
    let registry = &report.legacy_registry;
    println!(
        "legacy registry: {}",
        render_step(registry.outcome, registry.error.as_deref())
    );
    println!("  {:<13}{}", "mirrored", registry.mirrored);
    let records = &report.old_records;
    println!(
        "old records: {}",
        render_step(records.outcome, records.error.as_deref())
    );
    println!("  {:<13}{}", "poll cycles", records.poll_cycles);
    println!("  {:<13}{}", "sweeps", records.sweeps);
}

fn render_step(outcome: StepOutcome, error: Option<&str>) -> String {
    match error {
        Some(error) => format!("{outcome} ({error})"),
        None => outcome.to_string(),
    }
}
