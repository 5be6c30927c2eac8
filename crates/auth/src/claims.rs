//! The claims of a token, which say who the caller is, and the rules that they must keep.
//!
//! Claims are named as in RFC 7519, RFC 9068 and Cognito's access tokens.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value};

use crate::principal::Principal;
use crate::settings::VerifierSettings;
use crate::verify_error::InvalidReason;

/// How far the issuer's clock may differ from ours for `exp` and `nbf`.
const LEEWAY: TimeDelta = TimeDelta::seconds(30);
/// How far ahead `iat` may lie. `iat` grants nothing, so it is judged more mildly than `nbf`.
const MAX_ISSUED_AHEAD: TimeDelta = TimeDelta::seconds(60);
/// The last second of the year 9999, the end of RFC 3339.
const MAX_NUMERIC_DATE: i64 = 253_402_300_799;

/// Claims whose signature was verified.
pub(crate) struct Claims(Map<String, Value>);

/// The caller that acceptable claims name, and how long they are acceptable.
pub(crate) struct AcceptedClaims {
    pub(crate) principal: Principal,
    /// The instant from which the token is refused, leeway included.
    pub(crate) refused_from: DateTime<Utc>,
}

impl Claims {
    pub(crate) fn new(verified: Map<String, Value>) -> Self {
        Self(verified)
    }

    /// Checks the claims against the settings and the time.
    pub(crate) fn judge(
        &self,
        settings: &VerifierSettings,
        now: DateTime<Utc>,
    ) -> Result<AcceptedClaims, InvalidReason> {
        if self.required_text("iss")? != settings.issuer {
            return Err(InvalidReason::Issuer);
        }
        if self.0.get("token_use").and_then(Value::as_str) != Some("access") {
            return Err(InvalidReason::TokenUse);
        }
        let client_id = self.required_text("client_id")?;
        if !settings.client_ids.contains(client_id) {
            return Err(InvalidReason::Client);
        }
        if let Some(audience) = self.0.get("aud")
            && !names_us(audience, settings)
        {
            return Err(InvalidReason::Audience);
        }
        let refused_from = self.judge_times(now)?;
        Ok(AcceptedClaims {
            principal: self.principal(client_id)?,
            refused_from,
        })
    }

    fn judge_times(&self, now: DateTime<Utc>) -> Result<DateTime<Utc>, InvalidReason> {
        let refused_from = self.time("exp")?.ok_or(InvalidReason::Claims)? + LEEWAY;
        if now >= refused_from {
            return Err(InvalidReason::Expired);
        }
        if self
            .time("nbf")?
            .is_some_and(|not_before| now < not_before - LEEWAY)
        {
            return Err(InvalidReason::NotYetValid);
        }
        if self
            .time("iat")?
            .is_some_and(|issued_at| issued_at > now + MAX_ISSUED_AHEAD)
        {
            return Err(InvalidReason::IssuedInFuture);
        }
        Ok(refused_from)
    }

    /// Reads the caller. A token with `username` is a person's: Cognito puts `username` into every token of
    /// somebody who signed in and into no other. Scopes or groups of a wrong type grant nothing.
    fn principal(&self, client_id: &str) -> Result<Principal, InvalidReason> {
        if !self.0.contains_key("username") {
            let scopes = self
                .0
                .get("scope")
                .and_then(Value::as_str)
                .unwrap_or_default();
            // RFC 6749, section 3.3: the space is the one separator.
            let scopes = scopes.split(' ').filter(|scope| !scope.is_empty());
            return Ok(Principal::machine(client_id, scopes));
        }
        self.required_text("username")?;
        let groups = self
            .0
            .get("cognito:groups")
            .and_then(texts)
            .unwrap_or_default();
        Ok(Principal::person(
            self.required_text("sub")?,
            client_id,
            groups,
        ))
    }

    fn required_text(&self, name: &str) -> Result<&str, InvalidReason> {
        match self.0.get(name).and_then(Value::as_str) {
            Some(text) if !text.is_empty() => Ok(text),
            _ => Err(InvalidReason::Claims),
        }
    }

    /// Reads a date in whole seconds. RFC 7519 allows fractions, but no issuer of ours sends them, and readers
    /// round them differently.
    fn time(&self, name: &str) -> Result<Option<DateTime<Utc>>, InvalidReason> {
        let Some(value) = self.0.get(name) else {
            return Ok(None);
        };
        value
            .as_i64()
            .filter(|seconds| (0..=MAX_NUMERIC_DATE).contains(seconds))
            .and_then(|seconds| DateTime::from_timestamp(seconds, 0))
            .map(Some)
            .ok_or(InvalidReason::Claims)
    }
}

fn names_us(audience: &Value, settings: &VerifierSettings) -> bool {
    let named = match audience {
        Value::String(one) => vec![one.as_str()],
        several => texts(several).unwrap_or_default(),
    };
    match &settings.audience {
        Some(ours) => named.contains(&ours.as_str()),
        None => !named.is_empty() && named.iter().all(|id| settings.client_ids.contains(*id)),
    }
}

/// Returns the items of an array that holds nothing but texts.
fn texts(value: &Value) -> Option<Vec<&str>> {
    value.as_array()?.iter().map(Value::as_str).collect()
}
