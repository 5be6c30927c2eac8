//! The keys by which sessions are kept: of accounts, and of the credentials that they were begun with.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use domain::fleet::{CredentialRef, ProviderType};
use reqwest::Url;
use secrecy::ExposeSecret;

use crate::credentials::Credential;

/// An account at a provider, as sessions are kept by it: a hash of provider type, base URL and credential
/// reference. Connections of different workspaces that agree in all three share a session.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct AccountKey([u8; 32]);

impl AccountKey {
    pub(crate) fn new(
        provider_type: ProviderType,
        base_url: &Url,
        credential_ref: &CredentialRef,
    ) -> Self {
        // None of the parts can contain the separator.
        let parts = [
            provider_type.as_str(),
            base_url.as_str(),
            credential_ref.as_str(),
        ];
        Self(sha256(&parts.join("\n")))
    }

    /// Returns the key's bytes, under which a store keeps the account's session.
    pub const fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for AccountKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0[..4]
            .iter()
            .try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Hashes a credential, so that a change of it shows.
pub(super) fn credential_hash(credential: &Credential) -> [u8; 32] {
    let text = match credential {
        Credential::Key(key) => key.expose_secret().to_owned(),
        Credential::Login(login) => [
            &login.user,
            login.password.expose_secret(),
            login.database.as_deref().unwrap_or_default(),
        ]
        .join("\n"),
        Credential::Client(client) => [&client.id, client.secret.expose_secret()].join("\n"),
    };
    sha256(&text)
}

fn sha256(text: &str) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, text.as_bytes()).as_ref());
    hash
}
