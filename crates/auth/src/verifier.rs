//! From a bearer token to the caller.

use std::fmt;
use std::sync::Arc;

use clock::Clock;

use crate::claims::Claims;
use crate::jwks_cache::JwksCache;
use crate::jwks_client::JwksClient;
use crate::principal::Principal;
use crate::settings::{SettingsError, VerifierSettings};
use crate::signed_token::SignedToken;
use crate::verified_cache::{TokenDigest, Verified, VerifiedCache};
use crate::verify_error::{InvalidReason, VerifyError};

const MAX_TOKEN_BYTES: usize = 8 * 1024;
const MAX_VERIFIED_TOKENS: usize = 1_000;

/// Verifies access tokens of one issuer. Cheap to clone; clones share keys and verified tokens.
#[derive(Clone)]
pub struct Verifier(Arc<Parts>);

struct Parts {
    settings: VerifierSettings,
    clock: Clock,
    jwks: JwksCache,
    verified: VerifiedCache,
}

impl Verifier {
    /// Makes a verifier; keys are fetched with the first token, so an issuer that is down does not
    /// hold up the start. Fails if no HTTP client can be made.
    pub fn try_new(settings: VerifierSettings, clock: Clock) -> Result<Self, SettingsError> {
        let client =
            JwksClient::try_new(settings.jwks_url.clone()).map_err(SettingsError::HttpClient)?;
        Ok(Self(Arc::new(Parts {
            jwks: JwksCache::new(client, clock.clone()),
            verified: VerifiedCache::new(MAX_VERIFIED_TOKENS),
            settings,
            clock,
        })))
    }

    /// Asks the issuer for its keys now, so that the first caller does not wait for them, and an
    /// issuer that goes down later does not matter. Waits 3 s at most; without keys, the first
    /// token asks again.
    pub async fn warm_up(&self) {
        self.0.jwks.warm_up().await;
    }

    /// Names the caller behind `token`, the bare JWT without `Bearer`.
    ///
    /// Waits for the issuer only if the token's key is not known, and then for 3 s at most. Must
    /// run on a tokio runtime.
    pub async fn verify(&self, token: &str) -> Result<Principal, VerifyError> {
        let Parts {
            settings,
            clock,
            jwks,
            verified,
        } = &*self.0;
        if token.len() > MAX_TOKEN_BYTES {
            return Err(InvalidReason::TooLong.into());
        }
        let digest = TokenDigest::of(token);
        if let Some(keys) = jwks.held()
            && let Some(principal) = verified.get(&digest, &keys, clock.now())
        {
            return Ok(principal);
        }

        let token = SignedToken::parse(token)?;
        let key = jwks.key(token.key_id()).await?;
        let claims = Claims::new(token.claims(&key)?);
        // Read after the wait for keys: a token may run out in it.
        let now = clock.now();
        let judgement = claims.judge(settings, now)?;
        let principal = judgement.principal.clone();
        let refused_from = judgement.refused_from;
        verified.insert(
            digest,
            Verified {
                principal,
                key,
                refused_from,
            },
            now,
        );
        Ok(judgement.principal)
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Verifier")
            .field("settings", &self.0.settings)
            .finish_non_exhaustive()
    }
}
