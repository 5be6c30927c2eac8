//! The tokens with which the in-process scheduler sends triggers.

use std::sync::Arc;

use auth::{DevIssuer, MintRequest};
use clock::Clock;
use scheduling::TokenSource;

/// Mints tokens by the local issuer.
pub struct DevTokens {
    pub issuer: Arc<DevIssuer>,
    pub clock: Clock,
}

impl TokenSource for DevTokens {
    fn token(&self) -> String {
        self.issuer
            .mint(&MintRequest::machine(["telematics/poll"]), self.clock.now())
    }
}
