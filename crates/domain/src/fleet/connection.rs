//! Provider connections: the accounts at providers through which a workspace's devices speak.

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
    /// Whether vehicles of this type are simulated: a workspace's provider mode tells them from real ones.
    pub const fn is_simulated(self) -> bool {
        matches!(self, Self::DepotSim)
    }
}

/// A workspace's account at a provider.
#[derive(Clone, Debug, PartialEq)]
pub struct Connection {
    /// The connection's name within the workspace.
    pub id: ProviderId,
    /// The protocol that the provider speaks.
    pub provider_type: ProviderType,
    /// The address at which the provider is asked.
    pub base_url: String,
    /// A reference to the credential; never the credential itself.
    pub credential_ref: Option<CredentialRef>,
    /// Whether the connection is polled and listened to.
    pub enabled: bool,
    /// The interval at which devices report, declared if it is longer than the poll interval.
    pub expected_reporting_interval_minutes: Option<u32>,
    /// The settings of the provider's client, a JSON object.
    pub settings: serde_json::Map<String, serde_json::Value>,
    /// The number of changes of the connection.
    pub version: i64,
}

impl Connection {
    /// Returns how often a device of this connection should bring something new: the poll interval, or the
    /// declared interval if that is longer.
    pub fn reporting_interval(&self, poll_interval: PollInterval) -> TimeDelta {
        reporting_interval(self.expected_reporting_interval_minutes, poll_interval)
    }
}

/// Returns the poll interval, or the declared reporting interval if that is longer.
pub(crate) fn reporting_interval(
    declared_minutes: Option<u32>,
    poll_interval: PollInterval,
) -> TimeDelta {
    poll_interval
        .as_delta()
        .max(TimeDelta::minutes(i64::from(declared_minutes.unwrap_or(0))))
}

/// A reference to a credential, resolved when it is used: `env:PROVIDER_…`, or `file:` with a relative path
/// below the configured folder.
#[derive(Clone, PartialEq, Eq)]
pub struct CredentialRef(String);

/// A reference to somewhere that credentials may not come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
/// A reference to a place that credentials may not come from.
#[error(
    "must be env:PROVIDER_… (A-Z 0-9 _) or file: with a relative path of A-Z a-z 0-9 . _ - /, without .."
)]
pub struct InvalidCredentialRef;

/// The place that a reference points to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialSource<'a> {
    /// The name of an environment variable.
    Env(&'a str),
    /// A path relative to the credentials folder.
    File(&'a str),
}

impl CredentialRef {
    /// Checks a reference. Other variables of the process and other files are out of its reach.
    ///
    /// # Errors
    /// [`InvalidCredentialRef`].
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

    /// Returns the reference as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the place that the reference points to; always some for a value of this type.
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
