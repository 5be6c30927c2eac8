//! The facts that health, issues and the overview of all workspaces are computed from, now or at an
//! earlier instant. The rules that evaluate these facts are in the domain.

mod as_of;
mod columns;
mod facts;
mod issues;
mod overview;
mod polls_as_of;

pub use issues::{ConnectionEvidence, IssueFacts};
pub use overview::{ConnectionCutOffs, DevicesByState, PolledConnection};

pub(crate) use columns::{ConnectionColumns, DeviceColumns};
