//! Tokens whose signature was already checked. A caller who sends the same token with every request then costs
//! one digest and one lookup.

use std::sync::Arc;

use aws_lc_rs::digest;
use chrono::{DateTime, Utc};
use moka::policy::EvictionPolicy;
use moka::sync::Cache;

use crate::jwks::{KeySet, VerificationKey};
use crate::principal::Principal;

/// The SHA-256 digest of a whole token. The token itself is never stored.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct TokenDigest([u8; digest::SHA256_OUTPUT_LEN]);

impl TokenDigest {
    pub(crate) fn new(token: &str) -> Self {
        let mut bytes = [0; digest::SHA256_OUTPUT_LEN];
        bytes.copy_from_slice(digest::digest(&digest::SHA256, token.as_bytes()).as_ref());
        Self(bytes)
    }
}

/// The caller that a token proved, and how long the proof holds.
#[derive(Clone)]
pub(crate) struct VerifiedToken {
    pub(crate) principal: Principal,
    pub(crate) key: Arc<VerificationKey>,
    pub(crate) refused_from: DateTime<Utc>,
}

/// A bounded cache of verified tokens. The least recently used token is evicted first.
pub(crate) struct VerifiedCache(Cache<TokenDigest, VerifiedToken>);

impl VerifiedCache {
    pub(crate) fn new(capacity: u64) -> Self {
        let builder = Cache::builder().max_capacity(capacity);
        // A token is used in bursts, so what was used last says more than what was used most.
        Self(builder.eviction_policy(EvictionPolicy::lru()).build())
    }

    /// The caller, unless the token has expired or the issuer no longer publishes its key. Expiry is judged
    /// here and not by moka, because moka has a clock of its own.
    pub(crate) fn get(
        &self,
        token: &TokenDigest,
        keys: &KeySet,
        now: DateTime<Utc>,
    ) -> Option<Principal> {
        let verified = self.0.get(token)?;
        if now < verified.refused_from && keys.holds(&verified.key) {
            return Some(verified.principal);
        }
        self.0.invalidate(token);
        None
    }

    pub(crate) fn insert(&self, token: TokenDigest, verified: VerifiedToken) {
        self.0.insert(token, verified);
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use serde_json::json;

    use super::*;

    const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

    fn keys(exponent: &str) -> KeySet {
        let jwk = json!({"kid": "k", "kty": "RSA", "n": "_".repeat(342) + "w", "e": exponent});
        KeySet::parse(json!({"keys": [jwk]}).to_string().as_bytes()).expect("a usable key")
    }

    fn verified(keys: &KeySet, seconds: i64) -> VerifiedToken {
        VerifiedToken {
            principal: Principal::machine("m", [""; 0]),
            key: Arc::clone(keys.get("k").expect("the key")),
            refused_from: NOW + TimeDelta::seconds(seconds),
        }
    }

    #[test]
    fn a_cached_token_ends_when_the_token_expires() {
        let (cache, keys) = (VerifiedCache::new(10), keys("AQAB"));
        let token = TokenDigest::new("token");
        cache.insert(token, verified(&keys, 60));
        let just_before = NOW + TimeDelta::milliseconds(59_999);
        assert!(cache.get(&token, &keys, just_before).is_some());
        let expired = NOW + TimeDelta::seconds(60);
        assert!(cache.get(&token, &keys, expired).is_none());
        assert!(cache.get(&TokenDigest::new("other"), &keys, NOW).is_none());
    }

    #[test]
    fn a_cached_token_ends_when_its_key_is_withdrawn() {
        let (cache, before) = (VerifiedCache::new(10), keys("AQAB"));
        let token = TokenDigest::new("token");
        cache.insert(token, verified(&before, 60));
        let fetched_again = keys("AQAB");
        assert!(cache.get(&token, &fetched_again, NOW).is_some());
        let other_key_of_the_same_id = keys("Aw");
        assert!(cache.get(&token, &other_key_of_the_same_id, NOW).is_none());
    }

    #[test]
    fn the_least_recently_used_token_is_evicted_first() {
        let (cache, keys) = (VerifiedCache::new(3), keys("AQAB"));
        let token = |n: u32| TokenDigest::new(&n.to_string());
        let insert = |n| {
            cache.insert(token(n), verified(&keys, 60));
            cache.0.run_pending_tasks();
        };
        let is_cached = |n| cache.get(&token(n), &keys, NOW).is_some();
        (1..=3).for_each(insert);
        assert!(is_cached(1));
        insert(4);
        assert!(!is_cached(2), "nobody used it since it was inserted");
        assert!(is_cached(3) && is_cached(1) && is_cached(4));
        insert(5);
        assert!(!is_cached(3));
        assert!(is_cached(1) && is_cached(4) && is_cached(5));
    }
}
