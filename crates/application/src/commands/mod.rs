//! Commands: each changes one workspace, in one unit of work.

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

/// Why a change of configuration was not made.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError<T> {
    /// There is no such workspace.
    #[error("there is no such workspace")]
    UnknownWorkspace,
    /// There is no such thing in the workspace.
    #[error("there is no such {0}")]
    Unknown(&'static str),
    /// It stands as somebody else left it: the version asked for is not the current one.
    #[error("the current version is another")]
    Outdated(Box<T>),
    /// The rules or other rows do not allow it.
    #[error("{0}")]
    Conflict(Conflict),
    /// The store failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// What stands in the way of a change.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Conflict {
    /// Devices are managed in the legacy registry.
    #[error("the legacy service owns this workspace's device registry")]
    RegistryOwnedByLegacy,
    /// A device names a connection that the workspace does not have.
    #[error("the workspace has no connection {0}")]
    UnknownConnection(String),
    /// Another active device has this name at the connection.
    #[error("active device {0} has this external id at the connection")]
    ExternalIdTaken(String),
    /// The connection is still in use.
    #[error("active devices speak through this connection")]
    ConnectionInUse,
    /// Flags on an existing workspace change by the cutover resource.
    #[error("the workspace exists with other cutover flags: change them by its cutover resource")]
    CutoverOnExisting,
    /// A connection's type is its identity.
    #[error("a connection's provider_type cannot change: configure another connection")]
    ProviderTypeFixed,
}

/// What a write asks of the version that it replaces.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Precondition {
    /// Nothing.
    #[default]
    None,
    /// One of these versions.
    OneOf(Vec<i64>),
}

impl Precondition {
    /// Whether a change of something at `current` may go ahead; `None` when it does not exist yet.
    pub fn allows(&self, current: Option<i64>) -> bool {
        match self {
            Self::None => true,
            Self::OneOf(versions) => current.is_some_and(|current| versions.contains(&current)),
        }
    }
}
