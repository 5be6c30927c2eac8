//! The protocols of telematics providers, each a value behind one trait.
//!
//! A [`Provider`] says what it can do ([`Capabilities`]), and it polls, interprets and checks. Each has a
//! folder of its own and a line in the [`ProviderRegistry`]; nothing else knows which providers there are.
//! [`Providers`] asks a connection through its provider, over what all of them share: addresses that may be
//! called, credentials, login sessions, the turns of an account, attempts, deadlines and size limits.
//!
//! Whatever a provider does, a poll ends within its deadline, with what came until then and a classified
//! error if anything is lacking. What a provider sends is untrusted: sizes, pages and attempts are capped,
//! redirects are not followed, and secrets stay out of errors and logs.

mod account;
mod answer;
mod credentials;
mod depot_sim;
#[cfg(test)]
mod fuzz;
mod message;
mod provider;
mod providers;
mod registry;
mod sessions;
mod viriciti;

pub use account::{
    AccountClient, AccountRate, AddressPolicy, AddressRefusal, FetchError, PollLimits, parse_page,
};
pub use answer::{Coverage, FeedPosition, PollAnswer, PollResult};
pub use credentials::{
    ClientCredential, Credential, CredentialKind, Credentials, Environment, Login,
};
pub use message::{
    Interpretation, JsonText, ParsedSignal, ProviderReading, Uninterpretable,
    deserialize_bounded_list, group_by_time, parse_external_id, parse_message, parse_signal,
    quote_name, select_members, signal_of_number,
};
pub use provider::{Capabilities, InvalidSetting, ListedVehicle, PollRequest, Provider, Settings};
pub use providers::Providers;
pub use registry::ProviderRegistry;
pub use sessions::{
    AccountKey, InvalidSessionKey, NewSession, SealedSession, Session, SessionCallError,
    SessionKey, SessionStore, SessionStoreError, Sessions,
};
