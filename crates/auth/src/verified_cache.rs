//! Tokens whose signature was checked before, so that a caller who sends the same one with every
//! request costs a digest and a lookup.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::digest;
use chrono::{DateTime, Utc};

use crate::jwks::{KeySet, VerificationKey};
use crate::principal::Principal;

/// SHA-256 of a whole token. The token itself is never kept.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct TokenDigest([u8; digest::SHA256_OUTPUT_LEN]);

impl TokenDigest {
    pub(crate) fn of(token: &str) -> Self {
        let mut bytes = [0; digest::SHA256_OUTPUT_LEN];
        bytes.copy_from_slice(digest::digest(&digest::SHA256, token.as_bytes()).as_ref());
        Self(bytes)
    }
}

/// What a token proved, and for how long.
pub(crate) struct Verified {
    pub(crate) principal: Principal,
    pub(crate) key: Arc<VerificationKey>,
    pub(crate) refused_from: DateTime<Utc>,
}

/// A bounded number of verified tokens; the least recently used one makes room.
pub(crate) struct VerifiedCache {
    capacity: usize,
    entries: Mutex<Entries>,
}

#[derive(Default)]
struct Entries {
    by_digest: HashMap<TokenDigest, Entry>,
    uses: u64,
}

struct Entry {
    verified: Verified,
    last_use: u64,
}

impl VerifiedCache {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            capacity,
            entries: Mutex::default(),
        }
    }

    /// The caller, as long as the token has not expired and the issuer still publishes its key.
    pub(crate) fn get(
        &self,
        token: &TokenDigest,
        keys: &KeySet,
        now: DateTime<Utc>,
    ) -> Option<Principal> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let this_use = entries.next_use();
        let entry = entries.by_digest.get_mut(token)?;
        if now < entry.verified.refused_from && keys.holds(&entry.verified.key) {
            entry.last_use = this_use;
            return Some(entry.verified.principal.clone());
        }
        entries.by_digest.remove(token);
        None
    }

    pub(crate) fn insert(&self, token: TokenDigest, verified: Verified, now: DateTime<Utc>) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.by_digest.len() >= self.capacity {
            entries.make_room(self.capacity, now);
        }
        let last_use = entries.next_use();
        entries
            .by_digest
            .insert(token, Entry { verified, last_use });
    }
}

impl Entries {
    fn next_use(&mut self) -> u64 {
        self.uses += 1;
        self.uses
    }

    /// Looks at every entry, which is cheap beside the signature check that came before.
    fn make_room(&mut self, capacity: usize, now: DateTime<Utc>) {
        self.by_digest
            .retain(|_, entry| now < entry.verified.refused_from);
        if self.by_digest.len() < capacity {
            return;
        }
        let oldest = self
            .by_digest
            .iter()
            .min_by_key(|(_, entry)| entry.last_use);
        if let Some(digest) = oldest.map(|(digest, _)| *digest) {
            self.by_digest.remove(&digest);
        }
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

    fn verified(keys: &KeySet, seconds: i64) -> Verified {
        Verified {
            principal: Principal::machine("m", [""; 0]),
            key: Arc::clone(keys.get("k").expect("the key")),
            refused_from: NOW + TimeDelta::seconds(seconds),
        }
    }

    #[test]
    fn an_entry_ends_with_its_token() {
        let (cache, keys) = (VerifiedCache::new(10), keys("AQAB"));
        let token = TokenDigest::of("token");
        cache.insert(token, verified(&keys, 60), NOW);
        assert!(
            cache
                .get(&token, &keys, NOW + TimeDelta::milliseconds(59_999))
                .is_some()
        );
        assert!(
            cache
                .get(&token, &keys, NOW + TimeDelta::seconds(60))
                .is_none()
        );
        assert!(cache.get(&TokenDigest::of("other"), &keys, NOW).is_none());
    }

    #[test]
    fn an_entry_ends_with_its_key() {
        let (cache, before) = (VerifiedCache::new(10), keys("AQAB"));
        let token = TokenDigest::of("token");
        cache.insert(token, verified(&before, 60), NOW);
        assert!(
            cache.get(&token, &keys("AQAB"), NOW).is_some(),
            "fetched again, still there"
        );
        assert!(
            cache.get(&token, &keys("Aw"), NOW).is_none(),
            "another key under the same id"
        );
    }

    #[test]
    fn expired_entries_make_room_first_and_then_the_least_recently_used() {
        let (cache, keys) = (VerifiedCache::new(3), keys("AQAB"));
        let token = |n: u32| TokenDigest::of(&n.to_string());
        let held = |n, now| cache.get(&token(n), &keys, now).is_some();
        for (n, seconds) in [(1, 60), (2, 60), (3, 5)] {
            cache.insert(token(n), verified(&keys, seconds), NOW);
        }
        let later = NOW + TimeDelta::seconds(10);
        cache.insert(token(4), verified(&keys, 60), later);
        assert!(!held(3, later));
        assert!(held(2, later) && held(1, later) && held(4, later));
        cache.insert(token(5), verified(&keys, 60), later);
        assert!(!held(2, later));
        assert!(held(1, later) && held(4, later) && held(5, later));
    }
}
