//! The keys that an issuer publishes (RFC 7517), reduced to those that may verify an access token.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::DecodingKey;
use serde::Deserialize;
use serde_json::Value;

const MAX_KEYS: usize = 32;
const MODULUS_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// An RSA key that verifies RS256 signatures.
pub(crate) struct VerificationKey {
    id: String,
    modulus: Vec<u8>,
    exponent: Vec<u8>,
    decoding: DecodingKey,
}

/// The usable keys of one JWKS document by their key ids. A set is never empty.
#[derive(Debug)]
pub(crate) struct KeySet(HashMap<String, Arc<VerificationKey>>);

/// The reason why a document cannot be used as a key set.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeySetError {
    #[error("it is not a JWKS document")]
    Unreadable(#[source] serde_json::Error),
    #[error("it holds more than {MAX_KEYS} keys")]
    TooManyKeys,
    /// An empty document is refused too, because it would lock everybody out.
    #[error("it holds no usable key")]
    NoUsableKey,
}

#[derive(Deserialize)]
struct Document {
    keys: Vec<Value>,
}

#[derive(Deserialize)]
struct Jwk {
    kid: String,
    kty: String,
    #[serde(rename = "use")]
    purpose: Option<String>,
    alg: Option<String>,
    n: String,
    e: String,
}

impl KeySet {
    /// Parses a document. Keys that cannot verify our tokens are skipped, so that an issuer may publish others.
    /// If two keys have the same id, the first is used.
    ///
    /// # Errors
    /// When the document is not a JWKS document, is too long, or has no usable key.
    pub(crate) fn parse(body: &[u8]) -> Result<Self, KeySetError> {
        let document: Document = serde_json::from_slice(body).map_err(KeySetError::Unreadable)?;
        if document.keys.len() > MAX_KEYS {
            return Err(KeySetError::TooManyKeys);
        }
        let mut keys = HashMap::new();
        for key in document
            .keys
            .into_iter()
            .filter_map(VerificationKey::from_json)
        {
            keys.entry(key.id.clone()).or_insert_with(|| Arc::new(key));
        }
        if keys.is_empty() {
            Err(KeySetError::NoUsableKey)
        } else {
            Ok(Self(keys))
        }
    }

    pub(crate) fn get(&self, key_id: &str) -> Option<&Arc<VerificationKey>> {
        self.0.get(key_id)
    }

    /// Whether the set has exactly this key, and not only another key with its id.
    pub(crate) fn holds(&self, key: &VerificationKey) -> bool {
        self.get(&key.id).is_some_and(|held| {
            std::ptr::eq(Arc::as_ptr(held), key)
                || (held.modulus == key.modulus && held.exponent == key.exponent)
        })
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

impl VerificationKey {
    pub(crate) fn decoding(&self) -> &DecodingKey {
        &self.decoding
    }

    fn from_json(value: Value) -> Option<Self> {
        let jwk: Jwk = serde_json::from_value(value).ok()?;
        let verifies_our_tokens = jwk.kty == "RSA"
            && jwk.purpose.is_none_or(|purpose| purpose == "sig")
            && jwk.alg.is_none_or(|alg| alg == "RS256");
        let modulus = decode_unsigned(&jwk.n)?;
        let exponent = decode_unsigned(&jwk.e)?;
        (verifies_our_tokens && MODULUS_BITS.contains(&bit_len(&modulus))).then(|| Self {
            decoding: DecodingKey::from_rsa_raw_components(&modulus, &exponent),
            id: jwk.kid,
            modulus,
            exponent,
        })
    }
}

impl fmt::Debug for VerificationKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("VerificationKey")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// Decodes a `Base64urlUInt` (RFC 7518, section 2). Some issuers pad with zero bytes, which the cryptographic
/// library would refuse.
fn decode_unsigned(text: &str) -> Option<Vec<u8>> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let first = bytes.iter().position(|byte| *byte != 0)?;
    Some(bytes[first..].to_vec())
}

/// Counts the bits of a number that has no leading zero bytes.
fn bit_len(number: &[u8]) -> usize {
    let unused = number
        .first()
        .map_or(0, |byte| byte.leading_zeros() as usize);
    number.len() * 8 - unused
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Makes a key whose modulus has so many bits, which is enough for the filter.
    fn rsa(kid: &str, bits: usize) -> Value {
        let mut modulus = vec![0xff; bits.div_ceil(8)];
        modulus[0] >>= (8 - bits % 8) % 8;
        json!({"kid": kid, "kty": "RSA", "alg": "RS256", "use": "sig", "e": "AQAB",
               "n": URL_SAFE_NO_PAD.encode(modulus)})
    }

    fn with(mut jwk: Value, member: &str, value: Value) -> Value {
        jwk[member] = value;
        jwk
    }

    fn without(mut jwk: Value, member: &str) -> Value {
        jwk.as_object_mut().expect("an object").remove(member);
        jwk
    }

    fn parse(keys: &[Value]) -> Result<KeySet, KeySetError> {
        KeySet::parse(json!({"keys": keys}).to_string().as_bytes())
    }

    #[test]
    fn a_key_for_rs256_signatures_is_used() {
        let zero_padded = URL_SAFE_NO_PAD.encode([vec![0, 0], vec![0xff; 256]].concat());
        for key in [
            rsa("k", 2048),
            rsa("k", 4096),
            without(rsa("k", 2048), "use"),
            without(rsa("k", 2048), "alg"),
            with(rsa("k", 2048), "n", zero_padded.into()),
            with(rsa("k", 2048), "unknown", json!({})),
        ] {
            assert!(
                parse(std::slice::from_ref(&key)).is_ok_and(|set| set.get("k").is_some()),
                "{key}"
            );
        }
    }

    #[test]
    fn any_other_key_is_skipped() {
        let padded_small = URL_SAFE_NO_PAD.encode([vec![0; 128], vec![0xff; 128]].concat());
        for key in [
            rsa("k", 1024),
            rsa("k", 2047),
            rsa("k", 16_384),
            with(rsa("k", 2048), "n", padded_small.into()),
            with(rsa("k", 2048), "use", "enc".into()),
            with(rsa("k", 2048), "alg", "RS512".into()),
            with(rsa("k", 2048), "alg", "PS256".into()),
            with(rsa("k", 2048), "kty", "EC".into()),
            with(rsa("k", 2048), "n", "not base64!".into()),
            with(rsa("k", 2048), "e", "".into()),
            with(rsa("k", 2048), "kid", 7.into()),
            without(rsa("k", 2048), "kid"),
            json!({"kid": "k", "kty": "oct", "k": "c2VjcmV0"}),
            json!({"kid": "k", "kty": "EC", "crv": "P-256", "x": "AQ", "y": "AQ"}),
            json!("k"),
        ] {
            let set = parse(&[key.clone(), rsa("other", 2048)]).expect("one usable key");
            assert!(
                set.get("k").is_none() && set.get("other").is_some(),
                "{key}"
            );
            assert!(matches!(parse(&[key]), Err(KeySetError::NoUsableKey)));
        }
    }

    #[test]
    fn a_document_has_a_bounded_number_of_keys() {
        let keys: Vec<Value> = (0..=MAX_KEYS).map(|n| rsa(&n.to_string(), 2048)).collect();
        assert_eq!(
            parse(&keys[..MAX_KEYS]).expect("as many as allowed").len(),
            MAX_KEYS
        );
        assert!(matches!(parse(&keys), Err(KeySetError::TooManyKeys)));
        assert!(matches!(parse(&[]), Err(KeySetError::NoUsableKey)));
    }

    #[test]
    fn a_set_holds_a_key_by_its_numbers_and_not_by_its_id() {
        let before = parse(&[rsa("a", 2048), rsa("b", 2048)]).expect("keys");
        let after = parse(&[rsa("a", 2048), rsa("b", 3072)]).expect("keys");
        assert!(after.holds(before.get("a").expect("a")));
        assert!(!after.holds(before.get("b").expect("b")));
        let first_is_used = parse(&[rsa("a", 2048), rsa("a", 3072)]).expect("keys");
        assert!(first_is_used.holds(before.get("a").expect("a")));
    }
}
