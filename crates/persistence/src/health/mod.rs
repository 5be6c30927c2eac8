//! The facts that health, issues and the overview of all workspaces are computed from, as of now or as of an
//! instant of the past. The rules themselves are the domain's.

mod as_of;
mod columns;
mod facts;
mod issues;
mod overview;
mod polls_as_of;

pub use issues::{ConnectionEvidence, IssueFacts};
pub use overview::{ConnectionCutOffs, DevicesByState, PolledConnection};

pub(crate) use columns::{ConnectionColumns, DeviceColumns};
