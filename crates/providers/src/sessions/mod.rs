//! Login sessions that last for days: kept per account, shared by all instances, sealed where they are stored.
//!
//! A session is looked for in this instance's memory, then in the [`SessionStore`], and only then begun by a
//! login: providers let an account log in only a few times a minute.

mod account;
mod key;
mod seal;
mod session;
mod store;
#[cfg(test)]
mod tests;

pub(crate) use account::AccountSession;
pub use account::Sessions;
pub use key::AccountKey;
pub use seal::{InvalidSessionKey, SessionKey};
pub use session::{NewSession, Session, SessionCallError};
pub use store::{SealedSession, SessionStore, SessionStoreError};
