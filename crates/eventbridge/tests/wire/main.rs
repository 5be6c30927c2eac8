//! The adapter against an endpoint that answers as AWS does where it does not do as it is told; the
//! emulator of the stories over whole programs neither throttles nor fails.

#![expect(
    clippy::disallowed_methods,
    reason = "the tasks of a story end with its runtime"
)]

mod endpoint;
mod kinds;
mod throttling;
