//! Asking a connection of a workspace through its provider.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use clock::Deadline;
use domain::fleet::Connection;
use domain::ids::ExternalId;
use domain::polling::{ErrorClass, FeedCursor, PollError};

use crate::account::{AccountClient, AccountTurns, AddressPolicy, PollLimits, TurnKey, failure};
use crate::answer::{PollAnswer, PollResult};
use crate::credentials::Credentials;
use crate::provider::{ListedVehicle, PollRequest, Provider, not_supported};
use crate::registry::ProviderRegistry;
use crate::sessions::{AccountKey, Sessions};

/// Every provider that core can ask, over one HTTP client. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Providers {
    registry: ProviderRegistry,
    http: reqwest::Client,
    addresses: AddressPolicy,
    credentials: Credentials,
    limits: PollLimits,
    account_turns: AccountTurns,
    sessions: Sessions,
}

impl Providers {
    /// Builds the one HTTP client that all polls share.
    ///
    /// # Errors
    /// When the TLS backend cannot be set up.
    pub fn try_new(
        registry: ProviderRegistry,
        addresses: AddressPolicy,
        credentials: Credentials,
        sessions: Sessions,
        limits: PollLimits,
    ) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_secs(5))
            // Beyond the deadline of a poll, which ends its requests and says so.
            .timeout(limits.deadline + Duration::from_secs(1))
            .pool_max_idle_per_host(4)
            .user_agent(concat!("bf-manage-core/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self {
            registry,
            http,
            addresses,
            credentials,
            limits,
            account_turns: AccountTurns::default(),
            sessions,
        })
    }

    /// Returns the providers that can be asked.
    pub const fn registry(&self) -> &ProviderRegistry {
        &self.registry
    }

    /// Asks a connection for the readings of its devices, within the deadline. `devices` are those that are
    /// configured at the connection, by their names at the provider. Each feed is read from its cursor, or from
    /// its start where `cursors` has none.
    pub async fn poll(
        &self,
        connection: &Connection,
        devices: &[ExternalId],
        cursors: &HashMap<&'static str, FeedCursor>,
    ) -> PollResult {
        self.poll_within(connection, devices, cursors, self.limits)
            .await
    }

    /// Asks a connection as [`Self::poll`] does, with one attempt a page: a provider that has been failing is not
    /// pressed.
    pub async fn probe(
        &self,
        connection: &Connection,
        devices: &[ExternalId],
        cursors: &HashMap<&'static str, FeedCursor>,
    ) -> PollResult {
        let limits = PollLimits {
            attempts: 1,
            ..self.limits
        };
        self.poll_within(connection, devices, cursors, limits).await
    }

    /// Checks that a connection can be asked, by one real request, and lists the vehicles that its account knows.
    ///
    /// # Errors
    /// Why it cannot be asked. The error's class tells the step: the address, the credential, or the request.
    pub async fn check(
        &self,
        connection: &Connection,
        devices: &[ExternalId],
    ) -> Result<Vec<ListedVehicle>, PollError> {
        let (provider, client) = self.open(connection, self.limits, "checked")?;
        let request = PollRequest {
            settings: &connection.settings,
            devices,
            cursors: &HashMap::new(),
        };
        let check = provider.check(&client, &request);
        let checked = client.deadline.limit(check).await;
        checked.unwrap_or_else(|_| Err(deadline_passed()))
    }

    async fn poll_within(
        &self,
        connection: &Connection,
        devices: &[ExternalId],
        cursors: &HashMap<&'static str, FeedCursor>,
        limits: PollLimits,
    ) -> PollResult {
        let mut answer = PollAnswer::new(connection.id.clone());
        let (provider, client) = match self.open(connection, limits, "polled") {
            Ok(opened) => opened,
            Err(failure) => {
                return PollResult {
                    answer,
                    failure: Some(failure),
                    attempts: 0,
                };
            }
        };
        let request = PollRequest {
            settings: &connection.settings,
            devices,
            cursors,
        };
        let poll = provider.poll(&client, &request, &mut answer);
        let polled = client.deadline.limit(poll).await;
        let failure = polled.unwrap_or_else(|_| Err(deadline_passed())).err();
        PollResult {
            answer,
            failure,
            attempts: client.attempts.load(Ordering::Relaxed),
        }
    }

    /// Finds a connection's provider and opens its account. The address is checked again at use: the list of
    /// allowed hosts may have become shorter.
    fn open(
        &self,
        connection: &Connection,
        limits: PollLimits,
        purpose: &str,
    ) -> Result<(&dyn Provider, AccountClient<'_>), PollError> {
        let provider_type = connection.provider_type;
        let provider = self
            .registry
            .get(provider_type)
            .ok_or_else(|| not_supported(provider_type, purpose))?;
        let base_url = self
            .addresses
            .check(&connection.base_url)
            .map_err(|refusal| {
                failure(ErrorClass::AddressNotAllowed, format!("base_url {refusal}"))
            })?;
        let reference = connection.credential_ref.as_ref().ok_or_else(|| {
            failure(
                ErrorClass::CredentialsUnresolved,
                "the connection has no credential_ref",
            )
        })?;
        let capabilities = provider.capabilities();
        let credential = self
            .credentials
            .resolve(reference, capabilities.credential)?;
        let account = AccountKey::new(provider_type, &base_url, reference);
        let rate = match capabilities.account_rate {
            Some(rate) => rate.slower(limits.account_rate),
            None => limits.account_rate,
        };
        let turn_key = TurnKey::new(provider_type, &base_url, reference);
        let client = AccountClient {
            http: &self.http,
            session: self.sessions.of_account(account, &credential),
            turns: self.account_turns.of_account(turn_key, rate),
            base_url,
            credential,
            limits,
            deadline: Deadline::after(limits.deadline),
            attempts: AtomicU32::new(0),
        };
        Ok((provider, client))
    }
}

fn deadline_passed() -> PollError {
    failure(
        ErrorClass::Timeout,
        "the provider did not answer within the deadline",
    )
}

#[cfg(test)]
mod tests {
    use clock::Clock;
    use domain::fleet::{CredentialRef, ProviderType};
    use domain::ids::ProviderId;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    /// A provider's answer must not send a request elsewhere, least of all with the provider's credential.
    #[tokio::test]
    async fn a_redirect_is_not_followed() {
        let provider = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let elsewhere = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = provider.local_addr().expect("an address");
        let target = elsewhere.local_addr().expect("an address");
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("key"), "s3cret").expect("a file");
        let providers = Providers::try_new(
            ProviderRegistry::default(),
            AddressPolicy {
                allowed_hosts: Vec::new(),
                loopback_http: true,
            },
            Credentials {
                folder: Some(folder.path().to_owned()),
                ..Credentials::default()
            },
            Sessions::in_memory(Clock::system()),
            PollLimits::default(),
        );
        let connection = Connection {
            id: ProviderId::try_new("main").expect("an id"),
            provider_type: ProviderType::DepotSim,
            base_url: format!("http://{address}/accounts/a"),
            credential_ref: Some(CredentialRef::try_new("file:key").expect("a reference")),
            enabled: true,
            expected_reporting_interval_minutes: None,
            settings: serde_json::Map::default(),
            version: 1,
        };
        let redirect = async {
            let (mut stream, _) = provider.accept().await.expect("a request");
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                stream.read_buf(&mut request).await.expect("a request");
            }
            let answer = format!(
                "HTTP/1.1 307 Temporary Redirect\r\nlocation: http://{target}/\r\ncontent-length: 0\r\n\r\n"
            );
            stream
                .write_all(answer.as_bytes())
                .await
                .expect("an answer");
            String::from_utf8_lossy(&request).into_owned()
        };
        let providers = providers.expect("a TLS backend");
        let no_cursors = HashMap::new();
        let poll = async {
            tokio::select! {
                result = providers.poll(&connection, &[], &no_cursors) => result,
                _ = elsewhere.accept() => panic!("the redirect was followed"),
            }
        };
        let (result, request) = tokio::join!(poll, redirect);
        assert!(request.contains("Bearer s3cret"), "{request}");
        let error = result.failure.expect("a failure");
        assert_eq!(error.class, ErrorClass::InvalidResponse);
        assert!(!error.detail.contains("s3cret"), "{}", error.detail);
    }
}
