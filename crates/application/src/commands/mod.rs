//! The commands. Each command changes one workspace, in one unit of work.

mod accept_envelopes;
mod accept_updates;
mod change_cutover;
mod change_policy;
mod configure_connection;
mod configure_device;
mod follow_up_device;
mod judge_envelopes;
mod outcome_counts;
mod push_queue;
mod register_workspace;
mod replay_quarantine;
mod trigger_cycle;

pub use accept_envelopes::{EnvelopeBatch, JudgedEnvelope, accept_envelopes};
pub use accept_updates::{AcceptError, Batch, accept_updates};
pub(crate) use accept_updates::{decide_and_record, keep_rejections};
pub use change_cutover::{CutoverCommand, change_cutover, roll_back};
pub use change_policy::change_policy;
pub use configure_connection::{ConnectionSpec, put_connection, remove_connection};
pub use configure_device::{deactivate_device, put_device};
pub use follow_up_device::follow_up_device;
pub(crate) use outcome_counts::count_judged;
pub use push_queue::{JudgedUpdate, Push, PushQueue, PushedUpdate};
pub use register_workspace::put_workspace;
pub use replay_quarantine::{Replay, replay_quarantine};
pub use trigger_cycle::{CycleRequest, TriggerAnswer, TriggerOutcome, trigger_cycle};

use persistence::StorageError;

/// The reason for which a change of configuration was not made.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError<T> {
    /// The workspace does not exist.
    #[error("there is no such workspace")]
    UnknownWorkspace,
    /// The workspace has no such device, connection or other thing; the text names the kind.
    #[error("there is no such {0}")]
    Unknown(&'static str),
    /// Somebody else changed the thing: the request names a version that is not the current one, which is returned.
    #[error("the current version is another")]
    Outdated(Box<T>),
    /// A rule or another row does not allow the change.
    #[error("{0}")]
    Conflict(Conflict),
    /// The store failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// The rule or the row that does not allow a change.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Conflict {
    /// The legacy registry owns the workspace's devices.
    #[error("the legacy service owns this workspace's device registry")]
    RegistryOwnedByLegacy,
    /// The device names a connection that the workspace does not have.
    #[error("the workspace has no connection {0}")]
    UnknownConnection(String),
    /// Another active device of the connection has the same external id.
    #[error("active device {0} has this external id at the connection")]
    ExternalIdTaken(String),
    /// Active devices use the connection.
    #[error("active devices speak through this connection")]
    ConnectionInUse,
    /// The workspace exists with other flags, which only the cutover resource changes.
    #[error("the workspace exists with other cutover flags: change them by its cutover resource")]
    CutoverOnExisting,
    /// The type of an existing connection cannot change.
    #[error("a connection's provider_type cannot change: configure another connection")]
    ProviderTypeFixed,
}

/// The condition that a write sets on the version that it replaces.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Precondition {
    /// The write replaces any version.
    #[default]
    None,
    /// The write replaces one of these versions only.
    OneOf(Vec<i64>),
}

impl Precondition {
    /// Returns whether a write may replace the version `current`, which is `None` if nothing exists yet.
    pub fn allows(&self, current: Option<i64>) -> bool {
        match self {
            Self::None => true,
            Self::OneOf(versions) => current.is_some_and(|current| versions.contains(&current)),
        }
    }
}
