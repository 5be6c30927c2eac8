//! Real servers, each in a directory of its own under the system's temporary one.

#![expect(
    clippy::disallowed_methods,
    reason = "a story waits for real processes"
)]

mod example;
mod lifetime;
mod place;
mod recovery;
mod refusal;
mod watchdog;
