//! What is configured: workspaces with their cutover flags and policy, provider connections, and the
//! devices that speak through them.

mod connection;
mod cutover;
mod device;
mod policy;
mod workspace;

pub(crate) use connection::reporting_interval;
pub use connection::{
    Connection, CredentialRef, CredentialSource, InvalidCredentialRef, ProviderType, parse_feed,
};
pub use cutover::{
    Cutover, CutoverPatch, CutoverWarning, DeviceRegistrySource, PollOwner, ProviderMode, ReadOwner,
};
pub use device::{Device, DeviceSpec};
pub use policy::{InvalidPolicy, Policy};
pub use workspace::{InvalidWorkspaceName, Workspace, WorkspaceName};
