//! ViriCiti's SDK, now ChargePoint's: websocket frames, which others hold and forward, and the state
//! of vehicles, which core polls. Both speak of *labels*; what they mean here is one table.
//!
//! The vendor's pages describe the envelope of the frames, the addresses and the keys; label names, units
//! and the shape of a state are as public clients of it have them.

mod client;
mod frame;
#[cfg(test)]
mod fuzz;
mod label;
mod polling_task;
mod state;

pub(crate) use frame::interpret;
pub(crate) use polling_task::poll;
