//! The steps of a sweep. One that fails costs the others nothing.

use std::error::Error;

use chrono::NaiveDate;
use domain::history::first_kept_day;
use domain::sweeps::{StepOutcome, SweepReport, SweptPartitions, SweptRegistry, SweptSchedules};
use persistence::StorageError;

use super::{LegacyRegistry, LegacyRegistryError, Outside, reconcile_schedules};
use crate::Core;

/// Runs them all.
pub(super) async fn run_sweep(core: &Core, outside: &Outside) -> SweepReport {
    SweepReport {
        schedules: match &outside.scheduler {
            Some(scheduler) => reconcile_schedules(core, scheduler.as_ref()).await,
            None => SweptSchedules::new(StepOutcome::NotConfigured),
        },
        partitions: drop_partitions(core).await,
        legacy_registry: mirror(outside.legacy_registry.as_ref()).await,
    }
}

/// Drops the days whose last event is older than the retention.
async fn drop_partitions(core: &Core) -> SweptPartitions {
    let first_kept = first_kept_day(core.rules.event_retention, core.clock.now());
    match drop_days(core, first_kept).await {
        Ok(dropped) => SweptPartitions {
            outcome: StepOutcome::Completed,
            dropped,
            error: None,
        },
        Err(error) => {
            tracing::warn!(
                error = &error as &dyn Error,
                "partitions past retention could not be dropped"
            );
            SweptPartitions {
                outcome: StepOutcome::Failed,
                dropped: Vec::new(),
                error: Some(error.to_string()),
            }
        }
    }
}

/// What says that a day has baselines goes before their events: nobody is led to what is gone.
async fn drop_days(core: &Core, first_kept: NaiveDate) -> Result<Vec<NaiveDate>, StorageError> {
    core.store.forget_baselines(first_kept).await?;
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
