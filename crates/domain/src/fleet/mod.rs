//! What is configured: workspaces with their cutover flags and policy, provider connections, and the
//! devices that speak through them.

mod connection;
mod cutover;
mod device;
mod policy;
mod record;
mod workspace;

pub(crate) use connection::reporting_interval;
pub use connection::{
    Connection, CredentialRef, CredentialSource, InvalidCredentialRef, ProviderType,
};
pub use cutover::{
    Cutover, CutoverPatch, CutoverWarning, DeviceRegistrySource, PollOwner, ProviderMode, ReadOwner,
};
pub use device::{Device, DeviceFilter, DeviceSpec};
pub use policy::{InvalidPolicy, Policy};
pub use record::{CutoverChange, CutoverRecord, PolicyRecord, WorkspaceRecord};
pub use workspace::{InvalidWorkspaceName, Workspace, WorkspaceName};
