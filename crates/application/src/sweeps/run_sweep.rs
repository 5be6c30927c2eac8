//! The steps of a sweep. A step that fails does not stop the others.

use std::error::Error;

use chrono::NaiveDate;
use domain::history::first_kept_day;
use domain::sweeps::{StepOutcome, SweepReport, SweptPartitions, SweptRegistry, SweptSchedules};
use persistence::StorageError;

use super::remove_old::remove_old;
use super::{ExternalSystems, LegacyRegistry, LegacyRegistryError, reconcile_schedules};
use crate::Core;

/// The number of workspaces that one query returns.
const PAGE: i64 = 500;

/// Runs all steps of a sweep, and reports the outcome of each.
pub(super) async fn run_sweep(core: &Core, external: &ExternalSystems) -> SweepReport {
    SweepReport {
        schedules: match &external.scheduler {
            Some(scheduler) => reconcile_schedules(core, scheduler.as_ref()).await,
            None => SweptSchedules::new(StepOutcome::NotConfigured),
        },
        partitions: drop_partitions(core).await,
        legacy_registry: mirror_registry(external.legacy_registry.as_ref()).await,
        old_records: remove_old(core).await,
    }
}

/// Drops the daily partitions of events and of raw messages that are older than their retention.
async fn drop_partitions(core: &Core) -> SweptPartitions {
    let now = core.clock.now();
    let mut swept = SweptPartitions {
        outcome: StepOutcome::Completed,
        dropped: Vec::new(),
        raw_messages_dropped: Vec::new(),
        error: None,
    };
    let events = first_kept_day(core.rules.event_retention, now);
    match drop_events(core, events).await {
        Ok(dropped) => swept.dropped = dropped,
        Err(error) => record_failure(&mut swept, &error),
    }
    let messages = first_kept_day(core.rules.envelope_retention, now);
    match drop_raw_messages(core, messages).await {
        Ok(dropped) => swept.raw_messages_dropped = dropped,
        Err(error) => record_failure(&mut swept, &error),
    }
    swept
}

/// Logs that partitions could not be dropped, and adds the error to the report.
fn record_failure(swept: &mut SweptPartitions, error: &StorageError) {
    tracing::warn!(
        error = error as &dyn Error,
        "the sweep could not drop partitions older than their retention: the next sweep retries"
    );
    swept.outcome = StepOutcome::Failed;
    swept.error = Some(error.to_string());
}

/// Drops the partitions of raw messages before `first_kept`. The envelopes are removed first, since they are found by
/// their messages.
async fn drop_raw_messages(
    core: &Core,
    first_kept: NaiveDate,
) -> Result<Vec<NaiveDate>, StorageError> {
    let mut after = None;
    loop {
        let records = core.store.workspaces(after.as_ref(), PAGE).await?;
        for record in &records {
            core.store
                .delete_envelopes_before(&record.workspace.id, first_kept)
                .await?;
        }
        match records.last() {
            Some(last) => after = Some(last.workspace.id.clone()),
            None => return core.store.drop_raw_message_partitions(first_kept).await,
        }
    }
}

/// Drops the partitions of events before `first_kept`. The records of baselines are removed first, so that no reader is
/// led to a baseline whose events are gone.
async fn drop_events(core: &Core, first_kept: NaiveDate) -> Result<Vec<NaiveDate>, StorageError> {
    core.store.delete_baselines_before(first_kept).await?;
    core.store.drop_event_partitions(first_kept).await
}

/// Copies the legacy registry's devices to core, if there is a legacy registry.
async fn mirror_registry(registry: &dyn LegacyRegistry) -> SweptRegistry {
    let (outcome, mirrored, error) = match registry.mirror().await {
        Ok(mirrored) => (StepOutcome::Completed, mirrored, None),
        Err(LegacyRegistryError::NotConfigured) => (StepOutcome::NotConfigured, 0, None),
        Err(error) => {
            tracing::warn!(
                error = &error as &dyn Error,
                "the sweep could not copy devices from the legacy registry: the next sweep retries"
            );
            (StepOutcome::Failed, 0, Some(error.to_string()))
        }
    };
    SweptRegistry {
        outcome,
        mirrored,
        error,
    }
}
