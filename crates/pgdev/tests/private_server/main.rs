//! Real servers, each in a directory of its own under the system's temporary one.

mod example;
mod lifetime;
mod place;
mod recovery;
mod refusal;
mod watchdog;
