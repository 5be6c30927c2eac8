//! The port to a scheduler, which stores schedules and fires triggers.

use std::error::Error;
use std::fmt;

use domain::schedules::{ScheduleName, WorkspaceSchedule};
use futures::future::BoxFuture;
use uuid::Uuid;

/// Stores one schedule per workspace, in one group. Each call is safe to repeat.
pub trait Scheduler: fmt::Debug + Send + Sync {
    /// Creates or replaces the schedule. `token` identifies this attempt: the scheduler treats a repeated call with
    /// the same token as the same call.
    ///
    /// # Errors
    /// When the scheduler did not store the schedule, or may not have.
    fn put<'a>(
        &'a self,
        schedule: &'a WorkspaceSchedule,
        token: Uuid,
    ) -> BoxFuture<'a, Result<(), SchedulerError>>;

    /// Removes the schedule with this name, if there is one.
    ///
    /// # Errors
    /// When the scheduler did not remove the schedule, or may not have.
    fn remove<'a>(
        &'a self,
        name: &'a ScheduleName,
        token: Uuid,
    ) -> BoxFuture<'a, Result<(), SchedulerError>>;

    /// Compares the stored schedule with the wanted one.
    ///
    /// # Errors
    /// When the stored schedule cannot be read.
    fn compare<'a>(
        &'a self,
        schedule: &'a WorkspaceSchedule,
    ) -> BoxFuture<'a, Result<ScheduleCheck, SchedulerError>>;

    /// Lists the names of all schedules of the group, however many there are.
    ///
    /// # Errors
    /// When the schedules cannot be listed.
    fn names(&self) -> BoxFuture<'_, Result<Vec<ScheduleName>, SchedulerError>>;
}

/// The result of comparing a stored schedule with the wanted one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScheduleCheck {
    /// The stored schedule equals the wanted one.
    InLine,
    /// There is no stored schedule.
    Missing,
    /// These members of the stored schedule differ.
    Changed(Vec<&'static str>),
}

/// The reason why a call to the scheduler failed.
#[derive(Debug, thiserror::Error)]
pub enum SchedulerError {
    /// The scheduler asks for fewer requests.
    #[error("the scheduler asks for fewer requests")]
    Throttled(#[source] BoxedError),
    /// The scheduler cannot be reached, failed, or did not answer in time. The call may or may not have had an effect.
    #[error("the scheduler is not available")]
    Unavailable(#[source] BoxedError),
    /// The scheduler refused the call, because a group, a role or a permission is missing.
    #[error("the scheduler refused: {detail}")]
    Refused {
        /// The scheduler's own message.
        detail: String,
        /// The adapter's error.
        #[source]
        source: BoxedError,
    },
}

/// The error of an adapter.
pub type BoxedError = Box<dyn Error + Send + Sync>;
