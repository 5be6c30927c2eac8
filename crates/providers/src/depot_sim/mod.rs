//! The simulator's native protocol: pages of vehicles, each with its signals and their own times; all of
//! them at every poll, or what has changed since a cursor.

#[cfg(test)]
mod fuzz;
mod pages;
mod poll;
mod vehicle;

use async_trait::async_trait;
use chrono::TimeDelta;
use domain::fleet::ProviderType;
use domain::polling::{Feed, PollError};

use crate::account::AccountClient;
use crate::answer::PollAnswer;
use crate::credentials::CredentialKind;
use crate::message::Interpretation;
use crate::provider::{
    Capabilities, InvalidSetting, ListedVehicle, PollRequest, Provider, Settings,
};

/// The feed of changes. The simulator does not tell of vehicles that have left the account, so it is read from
/// its start every hour.
const CHANGES: Feed = Feed {
    name: "changes",
    restart_after: TimeDelta::hours(1),
};

/// The simulator of this project as a provider.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DepotSim;

/// How a connection is read, as the member `feed` of its settings says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FeedSetting {
    /// `whole`, or no setting: all vehicles at every poll.
    Whole,
    /// `changes`: what has changed since the poll before.
    Changes,
}

impl FeedSetting {
    fn parse(settings: &Settings) -> Result<Self, InvalidSetting> {
        match settings.get("feed").map(|word| word.as_str()) {
            None | Some(Some("whole")) => Ok(Self::Whole),
            Some(Some("changes")) => Ok(Self::Changes),
            Some(_) => Err(InvalidSetting {
                member: "feed",
                rule: "must be whole or changes",
            }),
        }
    }

    /// Returns the setting of a configured connection. A setting that was never checked reads everything.
    fn of_connection(settings: &Settings) -> Self {
        Self::parse(settings).unwrap_or(Self::Whole)
    }
}

#[async_trait]
impl Provider for DepotSim {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            provider_type: ProviderType::DepotSim,
            polls: true,
            streams: false,
            credential: CredentialKind::Key,
            account_rate: None,
        }
    }

    fn check_settings(&self, settings: &Settings) -> Result<(), InvalidSetting> {
        FeedSetting::parse(settings).map(drop)
    }

    fn feeds(&self, settings: &Settings) -> Vec<Feed> {
        match FeedSetting::of_connection(settings) {
            FeedSetting::Whole => Vec::new(),
            FeedSetting::Changes => vec![CHANGES],
        }
    }

    async fn poll(
        &self,
        client: &AccountClient<'_>,
        request: &PollRequest<'_>,
        answer: &mut PollAnswer,
    ) -> Result<(), PollError> {
        match FeedSetting::of_connection(request.settings) {
            FeedSetting::Whole => poll::poll_all(client, answer).await,
            FeedSetting::Changes => {
                poll::poll_changes(client, request.cursors.get(CHANGES.name), answer).await
            }
        }
    }

    fn interpret(&self, message: &str) -> Interpretation {
        vehicle::interpret(message)
    }

    async fn check(
        &self,
        client: &AccountClient<'_>,
        _request: &PollRequest<'_>,
    ) -> Result<Vec<ListedVehicle>, PollError> {
        poll::list_vehicles(client).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_read_as_its_settings_say() {
        for (settings, feeds, is_valid) in [
            (r"{}", vec![], true),
            (r#"{"feed":"whole"}"#, vec![], true),
            (r#"{"feed":"changes","other":1}"#, vec![CHANGES], true),
            (r#"{"feed":"both"}"#, vec![], false),
            (r#"{"feed":null}"#, vec![], false),
        ] {
            let parsed: Settings = serde_json::from_str(settings).expect("an object");
            assert_eq!(DepotSim.feeds(&parsed), feeds, "{settings}");
            assert_eq!(
                DepotSim.check_settings(&parsed).is_ok(),
                is_valid,
                "{settings}"
            );
        }
    }
}
