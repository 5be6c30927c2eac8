//! The steps of a sweep. One that fails costs the others nothing.

use std::error::Error;

use chrono::NaiveDate;
use domain::history::first_kept_day;
use domain::sweeps::{StepOutcome, SweepReport, SweptPartitions, SweptRegistry, SweptSchedules};
use persistence::StorageError;

use super::remove_old::remove_old;
use super::{LegacyRegistry, LegacyRegistryError, Outside, reconcile_schedules};
use crate::Core;

/// Workspaces that are looked up together.
const WORKSPACES_AT_ONCE: i64 = 500;

/// Runs them all.
pub(super) async fn run_sweep(core: &Core, outside: &Outside) -> SweepReport {
    SweepReport {
        schedules: match &outside.scheduler {
            Some(scheduler) => reconcile_schedules(core, scheduler.as_ref()).await,
            None => SweptSchedules::new(StepOutcome::NotConfigured),
        },
        partitions: drop_partitions(core).await,
        legacy_registry: mirror(outside.legacy_registry.as_ref()).await,
        old_records: remove_old(core).await,
    }
}

/// Drops the days whose last event is older than the retention, and those of raw messages.
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
        Err(error) => failed(&mut swept, &error),
    }
    let messages = first_kept_day(core.rules.envelope_retention, now);
    match drop_raw_messages(core, messages).await {
        Ok(dropped) => swept.raw_messages_dropped = dropped,
        Err(error) => failed(&mut swept, &error),
    }
    swept
}

fn failed(swept: &mut SweptPartitions, error: &StorageError) {
    tracing::warn!(
        error = error as &dyn Error,
        "partitions past retention could not be dropped"
    );
    swept.outcome = StepOutcome::Failed;
    swept.error = Some(error.to_string());
}

/// Forgets the envelopes first: they are found by their messages.
async fn drop_raw_messages(
    core: &Core,
    first_kept: NaiveDate,
) -> Result<Vec<NaiveDate>, StorageError> {
    let mut after = None;
    loop {
        let records = core
            .store
            .workspaces(after.as_ref(), WORKSPACES_AT_ONCE)
            .await?;
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

/// What says that a day has baselines goes before their events: nobody is led to what is gone.
async fn drop_events(core: &Core, first_kept: NaiveDate) -> Result<Vec<NaiveDate>, StorageError> {
    core.store.delete_baselines_before(first_kept).await?;
    core.store.drop_event_partitions(first_kept).await
}

async fn mirror(registry: &dyn LegacyRegistry) -> SweptRegistry {
    let (outcome, mirrored, error) = match registry.mirror().await {
        Ok(mirrored) => (StepOutcome::Completed, mirrored, None),
        Err(LegacyRegistryError::NotConfigured) => (StepOutcome::NotConfigured, 0, None),
        Err(error) => {
            tracing::warn!(
                error = &error as &dyn Error,
                "the legacy registry could not be mirrored"
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
