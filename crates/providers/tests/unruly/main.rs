//! Providers that do not keep to their protocol, or ask to be left alone.

#![expect(
    clippy::disallowed_methods,
    reason = "the tasks of a story end with its runtime"
)]

mod depot_sim;
mod provider;
mod viriciti;
