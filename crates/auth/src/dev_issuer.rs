//! A token issuer for a machine without Cognito. It has one key in a file, and its tokens have Cognito's shape.

use std::fmt;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::{self, SystemRandom};
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use aws_lc_rs::{digest, error::Unspecified};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::mint_request::{DEV_CLIENT_ID, MintRequest, MintedCaller};

const KEY_FILE: &str = "dev-issuer.pkcs8";

/// Mints tokens for development and tests. Its key opens every service that trusts it, so it is never used in
/// production.
pub struct DevIssuer {
    issuer: String,
    key_id: String,
    key: RsaKeyPair,
}

/// The reason why the development issuer cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DevIssuerError {
    /// The key file cannot be read or written.
    #[error("cannot read or write the development key {}", path.display())]
    File {
        /// The key file.
        path: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },
    /// The key file holds something else than a key.
    #[error("{} is not an RSA key in PKCS#8: remove it to get a new key", path.display())]
    Unreadable {
        /// The key file.
        path: PathBuf,
    },
    /// A key could not be generated.
    #[error("cannot generate a development key")]
    Generation,
}

impl DevIssuer {
    /// Loads the key from `dir`, or creates one there (RSA-2048 in PKCS#8, readable by the owner only). Tokens
    /// therefore outlive a restart, and several processes share one issuer. `issuer` is the `iss` claim of the
    /// tokens.
    ///
    /// # Errors
    /// When the key cannot be read, written or generated.
    pub fn load_or_create(dir: &Path, issuer: &str) -> Result<Self, DevIssuerError> {
        let path = dir.join(KEY_FILE);
        let pkcs8 = match read_key(&path)? {
            Some(pkcs8) => pkcs8,
            None => create_key(dir, &path)?,
        };
        let key =
            RsaKeyPair::from_pkcs8(&pkcs8).map_err(|_| DevIssuerError::Unreadable { path })?;
        Ok(Self {
            issuer: issuer.to_owned(),
            key_id: thumbprint(&key),
            key,
        })
    }

    /// The `iss` claim of the tokens.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The public key as a JWKS document (RFC 7517).
    pub fn jwks(&self) -> Value {
        let (n, e) = public_numbers(&self.key);
        let kid = &self.key_id;
        json!({"keys": [{"kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid, "n": n, "e": e}]})
    }

    /// Mints an access token of Cognito's shape. Any request is fulfilled, however absurd, so that tests can
    /// show what a verifier refuses.
    ///
    /// # Panics
    /// If the system has no random numbers or no memory.
    pub fn mint(&self, request: &MintRequest, now: DateTime<Utc>) -> String {
        self.sign(&self.claims(request, now.timestamp()))
    }

    /// Signs any claims, also those that no issuer would make, for tests of a verifier.
    ///
    /// # Panics
    /// If the system has no random numbers or no memory.
    pub fn sign(&self, claims: &Value) -> String {
        // Cognito's header has these two members.
        let header = json!({"alg": "RS256", "kid": self.key_id});
        let signed = format!(
            "{}.{}",
            base64url(header.to_string()),
            base64url(claims.to_string())
        );
        let mut signature = vec![0; self.key.public_modulus_len()];
        self.key
            .sign(
                &RSA_PKCS1_SHA256,
                &SystemRandom::new(),
                signed.as_bytes(),
                &mut signature,
            )
            .expect("a key that was validated when loaded can sign any message");
        format!("{signed}.{}", base64url(signature))
    }

    fn claims(&self, request: &MintRequest, now: i64) -> Value {
        let client_id = request.client_id.as_deref().unwrap_or(DEV_CLIENT_ID);
        let mut claims = json!({
            "iss": self.issuer,
            "client_id": client_id,
            "token_use": "access",
            "version": 2,
            "jti": random_token_id(),
            "iat": now,
            "auth_time": now,
            "exp": now.saturating_add(request.expires_in_seconds),
        });
        match &request.caller {
            MintedCaller::Machine { scopes } => {
                claims["sub"] = request.subject.as_deref().unwrap_or(client_id).into();
                if !scopes.is_empty() {
                    claims["scope"] = scopes.join(" ").into();
                }
            }
            MintedCaller::User { groups } => {
                let subject = request.subject.as_deref().unwrap_or("dev-user");
                claims["sub"] = subject.into();
                claims["username"] = subject.into();
                claims["scope"] = "aws.cognito.signin.user.admin".into();
                if !groups.is_empty() {
                    claims["cognito:groups"] = groups.as_slice().into();
                }
            }
        }
        claims
    }
}

impl fmt::Debug for DevIssuer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("DevIssuer")
            .field("issuer", &self.issuer)
            .field("key_id", &self.key_id)
            .finish_non_exhaustive()
    }
}

/// Reads the key file. Returns `None` if there is none.
fn read_key(path: &Path) -> Result<Option<Vec<u8>>, DevIssuerError> {
    match std::fs::read(path) {
        Ok(pkcs8) => Ok(Some(pkcs8)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(DevIssuerError::File {
            path: path.to_owned(),
            source,
        }),
    }
}

/// Writes a new key to a temporary file and moves the whole file into place. If another process was faster,
/// returns that process's key.
fn create_key(dir: &Path, path: &Path) -> Result<Vec<u8>, DevIssuerError> {
    let file_error = |source| DevIssuerError::File {
        path: path.to_owned(),
        source,
    };
    let pkcs8 = generate_key().map_err(|_| DevIssuerError::Generation)?;
    std::fs::create_dir_all(dir).map_err(file_error)?;
    // A temporary file has mode 0600 from its first byte on, and keeps it when it is moved.
    let mut file = tempfile::NamedTempFile::new_in(dir).map_err(file_error)?;
    file.write_all(&pkcs8)
        .and_then(|()| file.as_file().sync_all())
        .map_err(file_error)?;
    match file.persist_noclobber(path) {
        Ok(_) => Ok(pkcs8),
        Err(taken) if taken.error.kind() == io::ErrorKind::AlreadyExists => {
            std::fs::read(path).map_err(file_error)
        }
        Err(failed) => Err(file_error(failed.error)),
    }
}

fn generate_key() -> Result<Vec<u8>, Unspecified> {
    let key = RsaKeyPair::generate(KeySize::Rsa2048)?;
    Ok(key.as_der()?.as_ref().to_vec())
}

/// Computes the key's JWK thumbprint (RFC 7638), which gives the same key the same id in every process.
fn thumbprint(key: &RsaKeyPair) -> String {
    let (n, e) = public_numbers(key);
    let canonical = format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#);
    base64url(digest::digest(&digest::SHA256, canonical.as_bytes()))
}

fn public_numbers(key: &RsaKeyPair) -> (String, String) {
    let public = key.public_key();
    let modulus = public.modulus();
    let exponent = public.exponent();
    (
        base64url(modulus.big_endian_without_leading_zero()),
        base64url(exponent.big_endian_without_leading_zero()),
    )
}

fn random_token_id() -> String {
    let mut bytes = [0; 16];
    rand::fill(&mut bytes).expect("the system has random numbers");
    base64url(bytes)
}

fn base64url(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
