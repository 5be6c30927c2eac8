//! The simulator's native protocol: pages of vehicles, each with its signals and their own times.

mod client;
#[cfg(test)]
mod fuzz;
mod polling_task;
mod vehicle;

pub(crate) use polling_task::poll;
pub(crate) use vehicle::interpret;
