//! Providers' protocols, each behind the same seam: a `client` that speaks the wire and a
//! `polling_task` that turns its answer into updates. What a provider sends by itself, [`interpret`] reads.
//!
//! Whatever a provider does, a poll ends within its deadline with updates or with a classified error;
//! what it sends is untrusted: sizes, pages and attempts are capped, redirects are not followed, and
//! secrets stay out of errors and logs.

mod accounts;
mod address;
mod bounded;
mod credentials;
mod depot_sim;
mod fetch;
#[cfg(test)]
mod fuzz;
mod interpret;
mod poll;
mod reading;
mod session;
mod viriciti;

pub use accounts::AccountRate;
pub use address::{AddressPolicy, AddressRefusal};
pub use credentials::Credentials;
pub use interpret::{Interpretation, interpret};
pub use poll::{Answer, PollLimits, Polled, Providers};
pub use reading::ProviderReading;
