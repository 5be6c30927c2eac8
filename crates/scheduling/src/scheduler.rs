//! The port: whatever keeps schedules and fires them.

use std::error::Error;
use std::fmt;

use domain::schedules::{ScheduleName, WorkspaceSchedule};
use futures::future::BoxFuture;
use uuid::Uuid;

/// Keeps one schedule a workspace, in one group. Each call is safe to repeat.
pub trait Scheduler: fmt::Debug + Send + Sync {
    /// Makes the schedule just this, whether there was one or not. `token` names this attempt: the
    /// scheduler takes what it has taken under the same token for the same.
    fn put<'a>(
        &'a self,
        schedule: &'a WorkspaceSchedule,
        token: Uuid,
    ) -> BoxFuture<'a, Result<(), SchedulerError>>;

    /// Makes sure that there is no schedule of this name.
    fn remove<'a>(
        &'a self,
        name: &'a ScheduleName,
        token: Uuid,
    ) -> BoxFuture<'a, Result<(), SchedulerError>>;

    /// How what is kept differs from what is wanted.
    fn compare<'a>(
        &'a self,
        schedule: &'a WorkspaceSchedule,
    ) -> BoxFuture<'a, Result<Standing, SchedulerError>>;

    /// The names of all schedules of the group, however many there are.
    fn names(&self) -> BoxFuture<'_, Result<Vec<ScheduleName>, SchedulerError>>;
}

/// How a kept schedule stands to the wanted one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is just that.
    InLine,
    /// There is none.
    Missing,
    /// These members differ.
    Changed(Vec<&'static str>),
}

/// Why a scheduler did not do as it was told.
#[derive(Debug, thiserror::Error)]
pub enum SchedulerError {
    /// It asks for fewer requests.
    #[error("the scheduler asks for fewer requests")]
    Throttled(#[source] Source),
    /// It cannot be reached, failed or did not answer in time: what it was told may count or not.
    #[error("the scheduler is not available")]
    Unavailable(#[source] Source),
    /// It does not do what it is asked: a group, a role or a right is missing.
    #[error("the scheduler refused: {detail}")]
    Refused {
        /// In its own words.
        detail: String,
        /// The error itself.
        #[source]
        source: Source,
    },
}

/// The adapter's own error.
pub type Source = Box<dyn Error + Send + Sync>;
