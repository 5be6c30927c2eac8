//! What every provider is: the one interface between core and a provider's protocol.

use std::collections::HashMap;
use std::fmt;

use async_trait::async_trait;
use domain::fleet::ProviderType;
use domain::ids::ExternalId;
use domain::polling::{ErrorClass, Feed, FeedCursor, PollError};

use crate::account::{AccountClient, AccountRate};
use crate::answer::PollAnswer;
use crate::credentials::CredentialKind;
use crate::message::{Interpretation, Uninterpretable};

/// The settings of a connection that only its provider understands: a JSON object.
pub type Settings = serde_json::Map<String, serde_json::Value>;

/// A provider's protocol: how connections of its type are asked and how its messages are understood.
///
/// A new provider implements this in a folder of its own and gets a line in the [`crate::ProviderRegistry`].
/// It keeps no state: what lasts from one poll to the next are cursors, which come in the request and leave in
/// the answer, and login sessions, which the [`AccountClient`] keeps.
#[async_trait]
pub trait Provider: fmt::Debug + Send + Sync {
    /// Returns what this provider can do and what it needs.
    fn capabilities(&self) -> Capabilities;

    /// Checks the settings of a connection. Members that the provider does not know are not its to refuse.
    ///
    /// # Errors
    /// The first member that is not as the provider needs it.
    fn check_settings(&self, settings: &Settings) -> Result<(), InvalidSetting> {
        let _ = settings;
        Ok(())
    }

    /// Returns the feeds by which a connection with these settings is read; none where every poll reads
    /// everything.
    fn feeds(&self, settings: &Settings) -> Vec<Feed> {
        let _ = settings;
        Vec::new()
    }

    /// Asks a connection for its vehicles' readings and adds what comes to `answer`, part by part. When a
    /// later part fails, what was added before is kept. The caller ends the poll at its deadline.
    ///
    /// # Errors
    /// Why the rest of the answer did not come.
    async fn poll(
        &self,
        client: &AccountClient<'_>,
        request: &PollRequest<'_>,
        answer: &mut PollAnswer,
    ) -> Result<(), PollError> {
        let _ = (client, request, answer);
        Err(self.not_supported("polled"))
    }

    /// Interprets one message that the provider sent by itself. The result depends on the message alone.
    fn interpret(&self, message: &str) -> Interpretation {
        let _ = message;
        Uninterpretable::unsupported(self.capabilities().provider_type).into()
    }

    /// Makes one real request and lists the vehicles that the account knows, as far as one poll may read.
    ///
    /// # Errors
    /// Why the provider did not list them.
    async fn check(
        &self,
        client: &AccountClient<'_>,
        request: &PollRequest<'_>,
    ) -> Result<Vec<ListedVehicle>, PollError> {
        let _ = (client, request);
        Err(self.not_supported("checked"))
    }

    /// Returns the error of a poll or check that this provider does not implement.
    fn not_supported(&self, what: &str) -> PollError {
        not_supported(self.capabilities().provider_type, what)
    }
}

/// Returns the error of asking a provider type that cannot be asked.
pub(crate) fn not_supported(provider_type: ProviderType, what: &str) -> PollError {
    PollError {
        class: ErrorClass::NotSupported,
        detail: format!("{provider_type} is not {what}"),
    }
}

/// What a provider can do and what it needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// The type under which connections name this provider.
    pub provider_type: ProviderType,
    /// Whether core polls its connections.
    pub polls: bool,
    /// Whether a stream transport listens to its connections and forwards its messages.
    pub streams: bool,
    /// The kind of credential that its connections must refer to.
    pub credential: CredentialKind,
    /// How often the provider lets one account be asked, where it says so. The deployment's own rate counts
    /// where it is slower.
    pub account_rate: Option<AccountRate>,
}

/// What one poll of a connection asks for.
#[derive(Clone, Copy, Debug)]
pub struct PollRequest<'a> {
    /// The connection's settings.
    pub settings: &'a Settings,
    /// The devices that are configured at the connection, by their names at the provider: some providers
    /// have to be asked for each of them.
    pub devices: &'a [ExternalId],
    /// The cursors to go on from, by the names of their feeds; a feed without one is read from its start.
    pub cursors: &'a HashMap<&'static str, FeedCursor>,
}

/// A member of a connection's settings that its provider refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidSetting {
    /// The member's name.
    pub member: &'static str,
    /// What the member must be, as a phrase: `must be whole or changes`.
    pub rule: &'static str,
}

/// A vehicle that a provider's account knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedVehicle {
    /// The vehicle's name in polls and messages.
    pub external_id: ExternalId,
    /// The vehicle identification number, where the provider tells it.
    pub vin: Option<String>,
    /// The name that the fleet gave it at the provider.
    pub name: Option<String>,
}
