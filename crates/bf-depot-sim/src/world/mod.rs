//! The simulated vehicles: their traits, their state at a virtual instant, and when they report.
//!
//! Reading order: `timeline` (virtual time), `route` and `motion` (the road and the way along
//! it), `drivetrain` and `battery` (energy), `tour` (these together), `model` (buses and
//! trucks), `shift` (the order of a vehicle's day), `vehicle` (one vehicle round the clock),
//! `weather`, `state` (what can be read from it), `emission` (when it is read).
//!
//! Every state is a closed formula of (seed, account, vehicle, virtual time). No state is stored from one
//! instant to the next, so the state at any instant, past or future, can be computed at the same cost.

mod battery;
mod draw;
mod drivetrain;
mod emission;
mod model;
mod motion;
mod route;
mod shift;
mod state;
mod timeline;
mod tour;
mod vehicle;
mod weather;

pub use state::VehicleState;
pub use timeline::{Speed, SpeedError, Timeline, VirtualTime};
pub use vehicle::SimulatedVehicle;
