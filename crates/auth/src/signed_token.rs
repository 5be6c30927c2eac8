//! A token as it is sent: a JWS in compact form (RFC 7515, section 7.1), signed with RS256.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;
use serde_json::{Map, Value};

use crate::jwks::VerificationKey;
use crate::unique_json::UniqueObject;
use crate::verify_error::InvalidReason;

/// A token whose header is acceptable and whose claims are not read yet.
pub(crate) struct SignedToken<'a> {
    key_id: String,
    /// Header and payload, which the signature covers.
    message: &'a str,
    payload: &'a str,
    signature: &'a str,
}

impl<'a> SignedToken<'a> {
    /// Splits a token and judges its header. The members `jku`, `jwk`, `x5u` and `x5c` are ignored: with them
    /// the sender would choose the key that proves the sender right (RFC 8725, section 3.10).
    pub(crate) fn parse(token: &'a str) -> Result<Self, InvalidReason> {
        let (message, signature) = token.rsplit_once('.').ok_or(InvalidReason::Malformed)?;
        let (header, payload) = message.split_once('.').ok_or(InvalidReason::Malformed)?;
        if payload.contains('.') {
            return Err(InvalidReason::Malformed);
        }
        let header = decode_object(header)?;

        if header.get("alg").and_then(Value::as_str) != Some("RS256") {
            return Err(InvalidReason::Algorithm);
        }
        if header.contains_key("crit") {
            return Err(InvalidReason::CriticalExtension);
        }
        if !header.get("typ").is_none_or(is_access_token_type) {
            return Err(InvalidReason::TokenType);
        }
        match header.get("kid").and_then(Value::as_str) {
            Some(key_id) if !key_id.is_empty() => Ok(Self {
                key_id: key_id.to_owned(),
                message,
                payload,
                signature,
            }),
            _ => Err(InvalidReason::NoKeyId),
        }
    }

    /// The id of the key that the token says it is signed with.
    pub(crate) fn key_id(&self) -> &str {
        &self.key_id
    }

    /// Verifies the signature, and then reads the claims.
    pub(crate) fn verify_claims(
        &self,
        key: &VerificationKey,
    ) -> Result<Map<String, Value>, InvalidReason> {
        // The algorithm is the one that we accept, never the one that the header names.
        let message = self.message.as_bytes();
        match jsonwebtoken::crypto::verify(
            self.signature,
            message,
            key.decoding(),
            Algorithm::RS256,
        ) {
            Ok(true) => decode_object(self.payload),
            Ok(false) => Err(InvalidReason::Signature),
            Err(_) => Err(InvalidReason::Malformed),
        }
    }
}

/// Whether a `typ` may stand in an access token. Cognito sends none, its emulator sends `JWT`, and issuers
/// that follow RFC 9068 send `at+jwt`.
fn is_access_token_type(typ: &Value) -> bool {
    typ.as_str().is_some_and(|typ| {
        let typ = typ.to_ascii_lowercase();
        matches!(
            typ.strip_prefix("application/").unwrap_or(&typ),
            "jwt" | "at+jwt"
        )
    })
}

fn decode_object(part: &str) -> Result<Map<String, Value>, InvalidReason> {
    let json = URL_SAFE_NO_PAD
        .decode(part)
        .map_err(|_| InvalidReason::Malformed)?;
    let UniqueObject(members) =
        serde_json::from_slice(&json).map_err(|_| InvalidReason::Malformed)?;
    Ok(members)
}
