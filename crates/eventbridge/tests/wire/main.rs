//! The adapter against an endpoint that answers as AWS does where it does not do as it is told; the
//! emulator of the stories over whole programs neither throttles nor fails.

mod endpoint;
mod kinds;
mod throttling;
