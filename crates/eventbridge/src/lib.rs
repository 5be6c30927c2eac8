//! Amazon EventBridge Scheduler behind the port [`scheduling::Scheduler`]. This is the only crate that knows AWS. All
//! other AWS resources are described in `config/aws/`.

mod client;
mod error;
mod input;
mod settings;

pub use client::EventBridge;
pub use settings::{EventBridgeSettings, InvalidSettings};
