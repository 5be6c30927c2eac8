//! Running poll cycles: claim what is due, ask the workspace's connections side by side, accept what
//! they give, end the cycle. The state is in SQL; a worker can stop anywhere and another goes on.

mod closed;
mod feed;
mod poll_connection;
mod run_cycle;
mod slots;
mod worker;

pub(crate) use closed::tell_closed;
pub use run_cycle::{RunError, run_cycle};
pub use slots::SlotWatch;
pub use worker::{Worker, WorkerSettings};
