//! Providers' protocols, each behind the same seam: a `client` that speaks the wire and a
//! `polling_task` that turns its answer into updates.
//!
//! Whatever a provider does, a poll ends within its deadline with updates or with a classified error;
//! what it sends is untrusted: sizes, pages and attempts are capped, redirects are not followed, and
//! secrets stay out of errors and logs.

mod accounts;
mod address;
mod credentials;
mod depot_sim;
mod fetch;
mod poll;

pub use accounts::AccountRate;
pub use address::{AddressPolicy, AddressRefusal};
pub use credentials::Credentials;
pub use poll::{Answer, FeedPosition, PollLimits, Polled, Providers};
