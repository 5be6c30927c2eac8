//! Amazon EventBridge Scheduler behind the port [`scheduling::Scheduler`]: the only crate that knows
//! AWS. What is asked of AWS beside schedules stands in `config/aws/`.

mod client;
mod error;
mod input;
mod settings;

pub use client::EventBridge;
pub use settings::{EventBridgeSettings, InvalidSettings};
