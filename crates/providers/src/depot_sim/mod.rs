//! The simulator's native protocol: pages of vehicles, each with its signals and their own times; all of
//! them at every poll, or what has changed since a cursor.

mod client;
#[cfg(test)]
mod fuzz;
mod polling_task;
mod vehicle;

pub(crate) use polling_task::{poll, poll_changes};
pub(crate) use vehicle::interpret;
