//! Credentials: of which kinds they are, and how a connection's reference leads to one.

mod credential;
mod reference;

pub use credential::{ClientCredential, Credential, CredentialKind, Login};
pub use reference::{Credentials, Environment};
