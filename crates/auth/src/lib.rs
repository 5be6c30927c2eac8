//! Access tokens: who is calling, and a local issuer for development.
//!
//! A [`Verifier`] turns a bearer token into a [`Principal`] or refuses it. It accepts what Amazon
//! Cognito issues (access tokens, RS256) and follows RFC 8725 where RFC 7519 leaves a choice:
//! one algorithm, keys from one configured address, nothing in a token's header is a place to
//! look for keys. A [`DevIssuer`] mints the same shapes where there is no Cognito.
//!
//! Invariants:
//! - Claims are read only after their signature holds, and judged by the `Clock`. Expiry and the
//!   key's being published are judged at every call, also when all else was checked before.
//! - A slow or silent issuer never holds up a token whose key is known.
//! - No `Debug` output and no log line holds a token or a private key.

mod claims;
mod dev_issuer;
mod jwks;
mod jwks_cache;
mod jwks_client;
mod mint_request;
mod principal;
mod settings;
mod signed_token;
mod unique_json;
mod verified_cache;
mod verifier;
mod verify_error;

pub use dev_issuer::{DevIssuer, DevIssuerError};
pub use mint_request::{Caller, DEV_CLIENT_ID, MintRequest};
pub use principal::{Principal, WorkspaceRole};
pub use settings::{SettingsError, VerifierSettings};
pub use verifier::Verifier;
pub use verify_error::{InvalidReason, VerifyError};
