//! Records of what is configured: a workspace with its latest changes, and the history of its flags.

use chrono::{DateTime, Utc};

use super::{Cutover, Workspace};

/// A workspace with the records of its latest changes.
#[derive(Clone, Debug, PartialEq)]
pub struct WorkspaceRecord {
    /// The workspace.
    pub workspace: Workspace,
    /// The latest change of its flags.
    pub cutover: CutoverRecord,
    /// The latest change of its policy.
    pub policy: PolicyRecord,
    /// The number of changes of its connections and devices so far.
    pub registry_version: i64,
}

/// The latest change of a workspace's flags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CutoverRecord {
    /// The version of the flags; a new workspace has version 1.
    pub version: i64,
    /// The instant of the change.
    pub changed_at: DateTime<Utc>,
    /// The author of the change.
    pub changed_by: String,
}

/// The latest change of a workspace's policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyRecord {
    /// The version of the policy; a new workspace has version 1.
    pub version: i64,
    /// The instant of the change.
    pub changed_at: DateTime<Utc>,
}

/// One change of a workspace's flags, as the history of the flags lists it.
#[derive(Clone, Debug, PartialEq)]
pub struct CutoverChange {
    /// The version that the change made.
    pub version: i64,
    /// The instant of the change.
    pub at: DateTime<Utc>,
    /// The author of the change.
    pub by: String,
    /// The reason that the author gave, if any.
    pub reason: Option<String>,
    /// The flags before the change; `None` for a new workspace's first flags.
    pub from: Option<Cutover>,
    /// The flags after the change.
    pub to: Cutover,
}
