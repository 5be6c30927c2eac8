//! Running poll cycles: claim what is due, ask the workspace's connections side by side, accept what
//! they give, end the cycle. The state is in SQL; a worker can stop anywhere and another goes on.

mod accept_answer;
mod ask;
mod closed;
mod feed_start;
mod poll_connection;
mod report;
mod run_cycle;
mod shared_sessions;
mod slots;
mod worker;

pub(crate) use closed::report_closed_cycles;
pub use run_cycle::{RunError, run_cycle};
pub use shared_sessions::SharedSessions;
pub use slots::SlotWatch;
pub use worker::{Worker, WorkerSettings};
