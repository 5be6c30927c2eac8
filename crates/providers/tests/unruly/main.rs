//! Providers that do not keep to their protocol, or ask to be left alone.

mod depot_sim;
mod provider;
mod viriciti;
