//! The port's adapter of `dev`: schedules in this process's memory, from where
//! [`InProcessScheduler`](crate::InProcessScheduler) fires them.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};

use domain::ids::WorkspaceId;
use domain::polling::Schedule;
use domain::schedules::{ScheduleName, WorkspaceSchedule};
use futures::future::{BoxFuture, FutureExt, ready};
use uuid::Uuid;

use crate::in_process::Schedules;
use crate::scheduler::{Scheduler, SchedulerError, Standing};

/// Schedules by name. Clones share them; a restart forgets them, and whoever starts reconciles.
#[derive(Clone, Debug, Default)]
pub struct InProcessSchedules(Arc<Mutex<BTreeMap<ScheduleName, WorkspaceSchedule>>>);

impl InProcessSchedules {
    fn with<T>(&self, act: impl FnOnce(&mut BTreeMap<ScheduleName, WorkspaceSchedule>) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Scheduler for InProcessSchedules {
    fn put<'a>(
        &'a self,
        schedule: &'a WorkspaceSchedule,
        _token: Uuid,
    ) -> BoxFuture<'a, Result<(), SchedulerError>> {
        self.with(|kept| kept.insert(schedule.name.clone(), schedule.clone()));
        ready(Ok(())).boxed()
    }

    fn remove<'a>(
        &'a self,
        name: &'a ScheduleName,
        _token: Uuid,
    ) -> BoxFuture<'a, Result<(), SchedulerError>> {
        self.with(|kept| kept.remove(name));
        ready(Ok(())).boxed()
    }

    fn compare<'a>(
        &'a self,
        schedule: &'a WorkspaceSchedule,
    ) -> BoxFuture<'a, Result<Standing, SchedulerError>> {
        let standing = self.with(|kept| match kept.get(&schedule.name) {
            None => Standing::Missing,
            Some(kept) if kept == schedule => Standing::InLine,
            Some(_) => Standing::Changed(vec!["expression"]),
        });
        ready(Ok(standing)).boxed()
    }

    fn names(&self) -> BoxFuture<'_, Result<Vec<ScheduleName>, SchedulerError>> {
        ready(Ok(self.with(|kept| kept.keys().cloned().collect()))).boxed()
    }
}

impl Schedules for InProcessSchedules {
    type Error = Infallible;

    async fn active(&self) -> Result<Vec<(WorkspaceId, Schedule)>, Infallible> {
        Ok(self.with(|kept| {
            kept.values()
                .map(|kept| (kept.workspace_id.clone(), kept.schedule))
                .collect()
        }))
    }
}
