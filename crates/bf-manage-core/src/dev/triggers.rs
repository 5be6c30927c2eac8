//! What the in-process scheduler needs of this process.

use std::sync::Arc;

use auth::{DevIssuer, MintRequest};
use clock::Clock;
use scheduling::TokenSource;

/// Tokens of the local issuer.
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
