//! Asking one connection of a workspace.

use std::collections::HashSet;
use std::time::Duration;

use domain::acceptance::Item;
use domain::fleet::{Connection, ProviderType};
use domain::ids::ExternalId;
use domain::polling::{ErrorClass, PollError};
use tokio::time::Instant;

use crate::accounts::{Account, Accounts};
use crate::fetch::{FetchError, failure};
use crate::session::Session;
use crate::{AccountRate, AddressPolicy, Credentials, depot_sim, viriciti};

/// Bounds of one poll of one connection.
#[derive(Clone, Copy, Debug)]
pub struct PollLimits {
    /// The whole poll, retries and pages included.
    pub deadline: Duration,
    /// Requests a page, the first included.
    pub attempts: usize,
    /// The first wait between attempts; it grows and is jittered.
    pub backoff: Duration,
    /// Bytes of one page after decompression.
    pub page_bytes: usize,
    /// Pages of one answer.
    pub pages: usize,
    /// Requests to one account, all its connections together.
    pub account_rate: AccountRate,
}

impl Default for PollLimits {
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(30),
            attempts: 3,
            backoff: Duration::from_millis(500),
            page_bytes: 8 * 1024 * 1024,
            pages: 200,
            account_rate: AccountRate::default(),
        }
    }
}

/// What a provider's answer brought.
#[derive(Debug, Default)]
pub struct Polled {
    /// Updates, oldest first for each device.
    pub items: Vec<Item>,
    /// Whom the answer named.
    pub returned: HashSet<ExternalId>,
}

/// A poll's end.
#[derive(Debug)]
pub struct Answer {
    /// What came, or why nothing did.
    pub result: Result<Polled, PollError>,
    /// Requests of the most-tried page.
    pub attempts: u32,
}

/// Every provider that core can ask.
#[derive(Clone, Debug)]
pub struct Providers {
    http: reqwest::Client,
    addresses: AddressPolicy,
    credentials: Credentials,
    limits: PollLimits,
    accounts: Accounts,
}

impl Providers {
    /// Builds the one HTTP client that all polls share.
    ///
    /// # Errors
    /// When the TLS backend cannot be set up.
    pub fn try_new(
        addresses: AddressPolicy,
        credentials: Credentials,
        limits: PollLimits,
    ) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_secs(5))
            .timeout(limits.deadline)
            .pool_max_idle_per_host(4)
            .user_agent(concat!("bf-manage-core/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self {
            http,
            addresses,
            credentials,
            limits,
            accounts: Accounts::new(limits.account_rate),
        })
    }

    /// The addresses that connections may name.
    pub fn addresses(&self) -> &AddressPolicy {
        &self.addresses
    }

    /// Whether this type is polled at all.
    pub const fn supports(provider_type: ProviderType) -> bool {
        match provider_type {
            ProviderType::DepotSim | ProviderType::Viriciti => true,
            ProviderType::Geotab | ProviderType::Samsara | ProviderType::Rfms => false,
        }
    }

    /// Asks a connection, within the deadline, whatever it does. `devices` are those configured there, by
    /// their names there: some providers have to be asked for each of them.
    pub async fn poll(&self, connection: &Connection, devices: &[ExternalId]) -> Answer {
        self.poll_within(connection, devices, self.limits).await
    }

    /// As [`Self::poll`], with one attempt a page: a provider that has been failing is not pressed.
    pub async fn probe(&self, connection: &Connection, devices: &[ExternalId]) -> Answer {
        let limits = PollLimits {
            attempts: 1,
            ..self.limits
        };
        self.poll_within(connection, devices, limits).await
    }

    async fn poll_within(
        &self,
        connection: &Connection,
        devices: &[ExternalId],
        limits: PollLimits,
    ) -> Answer {
        let session = match self.session(connection, limits) {
            Ok(session) => session,
            Err(error) => {
                return Answer {
                    result: Err(error),
                    attempts: 0,
                };
            }
        };
        let polled = match connection.provider_type {
            ProviderType::DepotSim => depot_sim::poll(&session, &connection.id).await,
            ProviderType::Viriciti => viriciti::poll(&session, &connection.id, devices).await,
            ProviderType::Geotab | ProviderType::Samsara | ProviderType::Rfms => Err(FetchError {
                error: failure(
                    ErrorClass::NotSupported,
                    format!("{} is not polled", connection.provider_type),
                ),
                attempts: 0,
            }),
        };
        match polled {
            Ok((polled, attempts)) => Answer {
                result: Ok(polled),
                attempts,
            },
            Err(failed) => Answer {
                result: Err(failed.error),
                attempts: failed.attempts,
            },
        }
    }

    /// The address, the secret and the account's turns, checked again at use: the list of hosts may have
    /// become shorter.
    fn session(
        &self,
        connection: &Connection,
        limits: PollLimits,
    ) -> Result<Session<'_>, PollError> {
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
        let account = Account::new(connection.provider_type, &base_url, reference);
        Ok(Session {
            http: &self.http,
            base_url,
            key: self.credentials.resolve(reference)?,
            turns: self.accounts.turns(account),
            limits,
            deadline: Instant::now() + limits.deadline,
        })
    }
}

#[cfg(test)]
mod tests {
    use domain::fleet::CredentialRef;
    use domain::ids::ProviderId;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    /// What a provider says is never a reason to ask somebody else, least of all with its credential.
    #[tokio::test]
    async fn a_redirect_is_not_followed() {
        let provider = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let elsewhere = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = provider.local_addr().expect("an address");
        let target = elsewhere.local_addr().expect("an address");
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("key"), "s3cret").expect("a file");
        let providers = Providers::try_new(
            AddressPolicy {
                allowed_hosts: Vec::new(),
                loopback_http: true,
            },
            Credentials {
                folder: Some(folder.path().to_owned()),
            },
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
        let poll = async {
            tokio::select! {
                answer = providers.poll(&connection, &[]) => answer,
                _ = elsewhere.accept() => panic!("the redirect was followed"),
            }
        };
        let (answer, request) = tokio::join!(poll, redirect);
        assert!(request.contains("Bearer s3cret"), "{request}");
        let error = answer.result.expect_err("a failure");
        assert_eq!(error.class, ErrorClass::InvalidResponse);
        assert!(!error.detail.contains("s3cret"), "{}", error.detail);
    }
}
