//! The error for what cannot be, if the code is right.

use crate::ids::WorkspaceId;

/// A broken invariant: a value was absent, or did not fit, that another part of the code guarantees.
///
/// It is never a sender's fault. It ends the request or the task with a 500 and a log line at `error`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an invariant is broken in workspace {workspace_id}: {what} ({ids})")]
pub struct BrokenInvariant {
    /// What was found instead of what must be.
    pub what: &'static str,
    /// The workspace whose data it was found in.
    pub workspace_id: WorkspaceId,
    /// The ids of what is concerned: devices, envelopes, cycles.
    pub ids: String,
}
