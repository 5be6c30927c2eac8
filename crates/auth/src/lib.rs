//! Access tokens: who is calling, and a local issuer for development.
//!
//! A [`Verifier`] turns a bearer token into a [`Principal`] or refuses it. It accepts what Amazon
//! Cognito issues (access tokens, RS256) and follows RFC 8725 where RFC 7519 leaves a choice: one algorithm,
//! keys from one configured address, and no keys from places that a token's header names. A [`DevIssuer`] mints
//! tokens of the same shape where there is no Cognito.
//!
//! Invariants:
//! - Claims are read only after their signature was verified, and judged by the `Clock`. Every call checks that
//!   the token has not expired and that its key is still published, also for a cached token.
//! - A slow or silent issuer never delays a token whose key is cached.
//! - No `Debug` output and no log line contains a token or a private key.

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
pub use mint_request::{DEV_CLIENT_ID, MintRequest, MintedCaller};
pub use principal::{Principal, WorkspaceRole};
pub use settings::{SettingsError, VerifierSettings};
pub use verifier::Verifier;
pub use verify_error::{InvalidReason, VerifyError};
