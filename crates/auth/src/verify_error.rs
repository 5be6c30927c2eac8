//! Why a token was not accepted.

/// The reason why a caller could not be identified. It holds nothing of the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// The token is not valid: 401 with `error="invalid_token"` (RFC 6750).
    #[error("the access token is not valid: {0}")]
    Invalid(InvalidReason),
    /// The issuer's keys could never be fetched: 503, which is not the caller's fault.
    #[error("the issuer's keys are not available")]
    KeysUnavailable,
}

/// The first rule that a token broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum InvalidReason {
    /// The token is longer than 8 KiB.
    #[error("it is too long")]
    TooLong,
    /// The token is not three base64url parts of which two are JSON objects without repeated members
    /// (RFC 7515).
    #[error("it is not well formed")]
    Malformed,
    /// `alg` is not `RS256`.
    #[error("its algorithm is not accepted")]
    Algorithm,
    /// `typ` is not that of an access token (RFC 9068).
    #[error("its type is not accepted")]
    TokenType,
    /// `crit` demands an extension that is not supported here (RFC 7515, 4.1.11).
    #[error("it demands an unknown extension")]
    CriticalExtension,
    /// `kid` is missing or is not a text.
    #[error("it does not name its key")]
    NoKeyId,
    /// `kid` names no usable key of the issuer.
    #[error("its key is not known")]
    UnknownKey,
    /// The signature does not match the key.
    #[error("its signature does not match")]
    Signature,
    /// A required claim is missing, has a wrong type or has an absurd value.
    #[error("a claim is missing or malformed")]
    Claims,
    /// `iss` is not the configured issuer.
    #[error("its issuer is not accepted")]
    Issuer,
    /// `token_use` is not `access`.
    #[error("it is not an access token")]
    TokenUse,
    /// `client_id` is not on the allow-list.
    #[error("its client is not accepted")]
    Client,
    /// `aud` is present and names somebody else.
    #[error("its audience is not accepted")]
    Audience,
    /// `exp` has passed.
    #[error("it has expired")]
    Expired,
    /// `nbf` lies ahead.
    #[error("it is not valid yet")]
    NotYetValid,
    /// `iat` lies ahead.
    #[error("it was issued in the future")]
    IssuedInFuture,
}

impl From<InvalidReason> for VerifyError {
    fn from(reason: InvalidReason) -> Self {
        Self::Invalid(reason)
    }
}
