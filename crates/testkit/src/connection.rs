//! Building a provider connection.

use application::commands::ConnectionSpec;
use domain::fleet::{CredentialRef, ProviderType};
use domain::ids::ProviderId;

/// Builds a provider connection.
#[derive(Clone, Debug)]
pub struct ConnectionBuilder {
    id: ProviderId,
    spec: ConnectionSpec,
}

/// Begins an enabled connection to a simulator, at an address where nobody listens.
///
/// # Panics
/// If `id` is not a provider id.
pub fn a_connection(id: &str) -> ConnectionBuilder {
    let spec = ConnectionSpec {
        provider_type: ProviderType::DepotSim,
        base_url: "http://127.0.0.1:1/accounts/nobody".to_owned(),
        credential_ref: None,
        enabled: true,
        expected_reporting_interval_minutes: None,
        settings: serde_json::Map::new(),
    };
    ConnectionBuilder {
        id: ProviderId::try_new(id).expect("a provider id"),
        spec,
    }
}

impl ConnectionBuilder {
    /// Sets the type of the provider.
    #[must_use]
    pub fn of_type(mut self, provider_type: ProviderType) -> Self {
        self.spec.provider_type = provider_type;
        self
    }

    /// Sets the address.
    #[must_use]
    pub fn at(mut self, base_url: impl Into<String>) -> Self {
        self.spec.base_url = base_url.into();
        self
    }

    /// Sets the reference to the credential: `file:…` or `env:PROVIDER_…`.
    ///
    /// # Panics
    /// If `reference` is not a reference to a credential.
    #[must_use]
    pub fn credential(mut self, reference: &str) -> Self {
        self.spec.credential_ref =
            Some(CredentialRef::try_new(reference).expect("a credential reference"));
        self
    }

    /// Disables the connection.
    #[must_use]
    pub fn disabled(self) -> Self {
        self.enabled(false)
    }

    /// Enables or disables the connection.
    #[must_use]
    pub fn enabled(mut self, enabled: bool) -> Self {
        self.spec.enabled = enabled;
        self
    }

    /// Adds a setting of its type of provider.
    #[must_use]
    pub fn with_setting(mut self, name: &str, value: impl Into<serde_json::Value>) -> Self {
        self.spec.settings.insert(name.to_owned(), value.into());
        self
    }

    /// Declares how often its devices report.
    #[must_use]
    pub fn reporting_every_minutes(mut self, minutes: u32) -> Self {
        self.spec.expected_reporting_interval_minutes = Some(minutes);
        self
    }

    /// Returns the arguments of the command that configures the connection.
    pub fn build(&self) -> (ProviderId, ConnectionSpec) {
        (self.id.clone(), self.spec.clone())
    }
}
