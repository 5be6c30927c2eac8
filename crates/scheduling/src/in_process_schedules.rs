//! The scheduler adapter of `dev`. It stores schedules in memory, and
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
use crate::scheduler::{ScheduleCheck, Scheduler, SchedulerError};

/// The schedules by name. Clones share them. They end with the process, so `dev` reconciles schedules at its start.
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
        self.with(|stored| stored.insert(schedule.name.clone(), schedule.clone()));
        ready(Ok(())).boxed()
    }

    fn remove<'a>(
        &'a self,
        name: &'a ScheduleName,
        _token: Uuid,
    ) -> BoxFuture<'a, Result<(), SchedulerError>> {
        self.with(|stored| stored.remove(name));
        ready(Ok(())).boxed()
    }

    fn compare<'a>(
        &'a self,
        schedule: &'a WorkspaceSchedule,
    ) -> BoxFuture<'a, Result<ScheduleCheck, SchedulerError>> {
        let check = self.with(|stored| match stored.get(&schedule.name) {
            None => ScheduleCheck::Missing,
            Some(stored) if stored == schedule => ScheduleCheck::InLine,
            Some(_) => ScheduleCheck::Changed(vec!["expression"]),
        });
        ready(Ok(check)).boxed()
    }

    fn names(&self) -> BoxFuture<'_, Result<Vec<ScheduleName>, SchedulerError>> {
        ready(Ok(self.with(|stored| stored.keys().cloned().collect()))).boxed()
    }
}

impl Schedules for InProcessSchedules {
    type Error = Infallible;

    async fn active(&self) -> Result<Vec<(WorkspaceId, Schedule)>, Infallible> {
        Ok(self.with(|stored| {
            stored
                .values()
                .map(|stored| (stored.workspace_id.clone(), stored.schedule))
                .collect()
        }))
    }
}
