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
use crate::verified_cache::{TokenDigest, VerifiedCache, VerifiedToken};
use crate::verify_error::{InvalidReason, VerifyError};

const MAX_TOKEN_BYTES: usize = 8 * 1024;
const MAX_VERIFIED_TOKENS: u64 = 1_000;

/// Verifies the access tokens of one issuer. Cheap to clone; clones share the issuer's keys and the cache of
/// verified tokens.
#[derive(Clone)]
pub struct Verifier(Arc<Parts>);

struct Parts {
    settings: VerifierSettings,
    clock: Clock,
    jwks: JwksCache,
    verified: VerifiedCache,
}

impl Verifier {
    /// Makes a verifier. The keys are fetched when the first token comes, so an issuer that is down does not
    /// delay the start.
    ///
    /// # Errors
    /// When no HTTP client can be made.
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

    /// Fetches the issuer's keys now, so that the first caller does not wait for them and an issuer that goes
    /// down later does no harm. Waits 3 s at most. Without an answer, the first token starts another fetch.
    pub async fn warm_up(&self) {
        self.0.jwks.warm_up().await;
    }

    /// Identifies the caller by `token`, the bare JWT without `Bearer`.
    ///
    /// Waits for the issuer only if the token's key is unknown, and then for 3 s at most. Must run on a tokio
    /// runtime.
    ///
    /// # Errors
    /// [`VerifyError::Invalid`] for a token that is no good, [`VerifyError::KeysUnavailable`] where there are
    /// no keys to judge it by.
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
        let digest = TokenDigest::new(token);
        if let Some(keys) = jwks.cached_keys()
            && let Some(principal) = verified.get(&digest, &keys, clock.now())
        {
            return Ok(principal);
        }

        let token = SignedToken::parse(token)?;
        let key = jwks.load_key(token.key_id()).await?;
        let claims = Claims::new(token.verify_claims(&key)?);
        // The time is taken after the wait for keys, because a token may expire during that wait.
        let accepted = claims.judge(settings, clock.now())?;
        let principal = accepted.principal.clone();
        verified.insert(
            digest,
            VerifiedToken {
                principal: accepted.principal,
                key,
                refused_from: accepted.refused_from,
            },
        );
        Ok(principal)
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
