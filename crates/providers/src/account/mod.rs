//! A provider's account and how it is asked: what every provider's requests have in common.

mod address;
mod client;
mod fetch;
mod limits;
mod turns;

pub use address::{AddressPolicy, AddressRefusal};
pub(crate) use client::unreadable;
pub use client::{AccountClient, parse_page};
pub use fetch::FetchError;
pub(crate) use fetch::failure;
pub use limits::{AccountRate, PollLimits};
pub(crate) use turns::{AccountTurns, TurnKey};
