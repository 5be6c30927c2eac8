//! Tokens, honest and hostile, against a verifier whose issuer is a server of the test's own.
//!
//! Every file is a behaviour; `issuer` is the issuer that they share.

#![expect(
    clippy::disallowed_methods,
    reason = "a story waits for real programs and sockets, and its tasks end with its runtime"
)]

mod accepted_tokens;
mod dev_tokens;
mod issuer;
mod key_rotation;
mod refused_claims;
mod refused_headers;
mod repeated_tokens;
mod unwell_issuer;
