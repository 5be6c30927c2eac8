//! Sealing sessions, so that a reader of the database cannot use them.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret, SecretString};

use super::SealedSession;

/// The key that seals sessions: AES-256-GCM, the same at all instances.
pub struct SessionKey(RandomizedNonceKey);

/// A text that is no session key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be 32 bytes in base64, as `openssl rand -base64 32` writes them")]
pub struct InvalidSessionKey;

/// A session that this key does not open: it was sealed with another key, for another account or credential,
/// or it was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the stored session does not open with this key")]
pub(super) struct NotOpened;

impl SessionKey {
    /// Parses a key: 32 bytes in base64.
    ///
    /// # Errors
    /// [`InvalidSessionKey`].
    pub fn try_new(text: &SecretString) -> Result<Self, InvalidSessionKey> {
        let bytes = STANDARD.decode(text.expose_secret());
        let bytes = bytes.map_err(|_| InvalidSessionKey)?;
        RandomizedNonceKey::new(&AES_256_GCM, &bytes)
            .map(Self)
            .map_err(|_| InvalidSessionKey)
    }

    /// Seals a secret for one owner, together with its expiry. Returns `None` if the system has no randomness
    /// for the nonce.
    pub(super) fn seal(
        &self,
        owner: &[u8],
        secret: &SecretString,
        expires_at: DateTime<Utc>,
    ) -> Option<SealedSession> {
        let mut sealed = secret.expose_secret().as_bytes().to_vec();
        let context = Aad::from(context(owner, expires_at));
        let nonce = self.0.seal_in_place_append_tag(context, &mut sealed).ok()?;
        sealed.extend_from_slice(nonce.as_ref());
        Some(SealedSession { sealed, expires_at })
    }

    /// Opens a session that was sealed for this owner.
    pub(super) fn open(
        &self,
        owner: &[u8],
        session: &SealedSession,
    ) -> Result<SecretString, NotOpened> {
        let split = session.sealed.len().checked_sub(NONCE_LEN);
        let (sealed, nonce) = session.sealed.split_at(split.ok_or(NotOpened)?);
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| NotOpened)?;
        let mut sealed = sealed.to_vec();
        let context = Aad::from(context(owner, session.expires_at));
        let opened = self.0.open_in_place(nonce, context, &mut sealed);
        let secret = std::str::from_utf8(opened.map_err(|_| NotOpened)?).map_err(|_| NotOpened)?;
        Ok(secret.into())
    }
}

/// What a sealed secret is bound to beside the key.
fn context(owner: &[u8], expires_at: DateTime<Utc>) -> Vec<u8> {
    [owner, &expires_at.timestamp_micros().to_be_bytes()].concat()
}

impl fmt::Debug for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionKey")
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    fn key(byte: u8) -> SessionKey {
        SessionKey::try_new(&STANDARD.encode([byte; 32]).into()).expect("a key")
    }

    #[test]
    fn a_sealed_session_opens_only_as_it_was_sealed() {
        let expires_at = DateTime::UNIX_EPOCH + TimeDelta::days(20_000);
        let secret = SecretString::from("s3cret session");
        let sealed = key(1)
            .seal(b"north", &secret, expires_at)
            .expect("randomness");
        assert!(!sealed.sealed.windows(6).any(|part| part == b"s3cret"));
        let opened = key(1).open(b"north", &sealed).expect("the secret");
        assert_eq!(opened.expose_secret(), "s3cret session");

        let later = SealedSession {
            expires_at: expires_at + TimeDelta::days(1),
            ..sealed.clone()
        };
        let mut changed = sealed.clone();
        changed.sealed[0] ^= 1;
        let cut_off = SealedSession {
            sealed: sealed.sealed[..8].to_vec(),
            expires_at,
        };
        for (key, owner, session) in [
            (key(2), &b"north"[..], &sealed),
            (key(1), b"south", &sealed),
            (key(1), b"north", &later),
            (key(1), b"north", &changed),
            (key(1), b"north", &cut_off),
        ] {
            assert_eq!(key.open(owner, session).err(), Some(NotOpened));
        }
    }

    #[test]
    fn one_secret_is_sealed_differently_each_time() {
        let expires_at = DateTime::UNIX_EPOCH;
        let sealed = || key(1).seal(b"north", &"s3cret".into(), expires_at);
        assert_ne!(sealed(), sealed());
    }

    #[test]
    fn a_key_is_32_bytes_in_base64_and_not_in_debug() {
        for refused in ["", "s3cret", &STANDARD.encode([1; 31]), &"x".repeat(44)] {
            let refused = SessionKey::try_new(&refused.into());
            assert_eq!(refused.err(), Some(InvalidSessionKey));
        }
        assert_eq!(format!("{:?}", key(1)), "SessionKey");
    }
}
