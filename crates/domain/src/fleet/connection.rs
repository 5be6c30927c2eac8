//! Provider connections: through which account of which provider a workspace's devices speak.

use std::fmt;

use chrono::TimeDelta;

use crate::ids::ProviderId;
use crate::polling::PollInterval;
use crate::vocabulary::words;

words!(
    /// A provider's protocol.
    ProviderType {
        /// Geotab's `MyGeotab` feed API.
        Geotab = "geotab",
        /// Samsara's vehicle stats API.
        Samsara = "samsara",
        /// The rFMS standard of truck makers.
        Rfms = "rfms",
        /// `ViriCiti`, now `ChargePoint`.
        Viriciti = "viriciti",
        /// The simulator of this project.
        DepotSim = "depot_sim",
    }
);

impl ProviderType {
    /// The protocols that a transport listens to.
    pub const STREAMED: &'static [Self] = &[Self::Viriciti];
}

/// One workspace's account at one provider.
#[derive(Clone, Debug, PartialEq)]
pub struct Connection {
    /// Its name within the workspace.
    pub id: ProviderId,
    /// The protocol.
    pub provider_type: ProviderType,
    /// Where the provider listens.
    pub base_url: String,
    /// Where the credential is found; never the credential itself.
    pub credential_ref: Option<CredentialRef>,
    /// A disabled connection is neither polled nor listened to.
    pub enabled: bool,
    /// Declared when devices report less often than they are polled.
    pub expected_reporting_interval_minutes: Option<u32>,
    /// Provider-specific settings, a JSON object.
    pub settings: serde_json::Map<String, serde_json::Value>,
    /// Counts changes.
    pub version: i64,
}

impl Connection {
    /// How often a device of this connection should bring something new: the poll interval, or the
    /// declared longer one.
    pub fn reporting_interval(&self, poll_interval: PollInterval) -> TimeDelta {
        reporting_interval(self.expected_reporting_interval_minutes, poll_interval)
    }
}

/// The poll interval, or the declared reporting interval where that is longer.
pub(crate) fn reporting_interval(
    declared_minutes: Option<u32>,
    poll_interval: PollInterval,
) -> TimeDelta {
    poll_interval
        .as_delta()
        .max(TimeDelta::minutes(i64::from(declared_minutes.unwrap_or(0))))
}

/// Where a credential is found, resolved at use: `env:PROVIDER_…`, or `file:` with a relative path
/// below the configured folder.
#[derive(Clone, PartialEq, Eq)]
pub struct CredentialRef(String);

/// A reference to somewhere that credentials may not come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be env:PROVIDER_… (A-Z 0-9 _) or file: with a relative path of A-Z a-z 0-9 . _ - /, without .."
)]
pub struct InvalidCredentialRef;

/// The two kinds of reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialSource<'a> {
    /// An environment variable.
    Env(&'a str),
    /// A path relative to the credentials folder.
    File(&'a str),
}

impl CredentialRef {
    /// # Errors
    /// [`InvalidCredentialRef`]: other variables of the process and other files are out of reach.
    pub fn try_new(text: &str) -> Result<Self, InvalidCredentialRef> {
        let reference = Self(text.to_owned());
        let valid = text.len() <= 256
            && match reference.source() {
                Some(CredentialSource::Env(name)) => {
                    name.strip_prefix("PROVIDER_")
                        .is_some_and(|rest| !rest.is_empty())
                        && name
                            .bytes()
                            .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
                }
                Some(CredentialSource::File(path)) => path.split('/').all(|part| {
                    !part.is_empty()
                        && part != "."
                        && part != ".."
                        && part
                            .bytes()
                            .all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
                }),
                None => false,
            };
        if valid {
            Ok(reference)
        } else {
            Err(InvalidCredentialRef)
        }
    }

    /// The reference as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Which kind it is; always some for a value of this type.
    pub fn source(&self) -> Option<CredentialSource<'_>> {
        match self.0.split_once(':')? {
            ("env", name) => Some(CredentialSource::Env(name)),
            ("file", path) => Some(CredentialSource::File(path)),
            _ => None,
        }
    }
}

impl fmt::Debug for CredentialRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_come_from_two_places_only() {
        for allowed in [
            "env:PROVIDER_GEOTAB_NORTH",
            "file:geotab/north.key",
            "file:north",
        ] {
            assert!(CredentialRef::try_new(allowed).is_ok(), "{allowed}");
        }
        for refused in [
            "",
            "env:",
            "env:PROVIDER_",
            "env:DATABASE_URL",
            "env:PROVIDER_x",
            "file:",
            "file:/etc/passwd",
            "file:../up",
            "file:a/../b",
            "file:a//b",
            "file:.",
            "s3cret",
            "vault:x",
            "env:PROVIDER_A\n",
        ] {
            assert!(CredentialRef::try_new(refused).is_err(), "{refused}");
        }
    }

    #[test]
    fn a_declared_interval_counts_only_when_longer() {
        let five = PollInterval::DEFAULT;
        assert_eq!(reporting_interval(None, five), TimeDelta::minutes(5));
        assert_eq!(reporting_interval(Some(2), five), TimeDelta::minutes(5));
        assert_eq!(reporting_interval(Some(30), five), TimeDelta::minutes(30));
    }
}
