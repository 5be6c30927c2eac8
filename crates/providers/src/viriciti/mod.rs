//! ViriCiti's SDK, now ChargePoint's: websocket frames, which a stream transport receives and forwards, and the
//! state of vehicles, which core polls. Both speak of *labels*; what they mean here is one table.
//!
//! The vendor's pages describe the envelope of the frames, the addresses and the keys; label names, units
//! and the shape of a state are as public clients of it have them.

mod assets;
mod frame;
#[cfg(test)]
mod fuzz;
mod label;
mod poll;
mod requests;
mod state;

use async_trait::async_trait;
use domain::fleet::ProviderType;
use domain::polling::PollError;

use crate::account::AccountClient;
use crate::answer::PollAnswer;
use crate::credentials::CredentialKind;
use crate::message::Interpretation;
use crate::provider::{Capabilities, ListedVehicle, PollRequest, Provider};

/// ViriCiti as a provider.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Viriciti;

#[async_trait]
impl Provider for Viriciti {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            provider_type: ProviderType::Viriciti,
            polls: true,
            streams: true,
            credential: CredentialKind::Key,
            account_rate: None,
        }
    }

    async fn poll(
        &self,
        client: &AccountClient<'_>,
        request: &PollRequest<'_>,
        answer: &mut PollAnswer,
    ) -> Result<(), PollError> {
        poll::poll_state(client, request.devices, answer).await
    }

    fn interpret(&self, message: &str) -> Interpretation {
        frame::interpret(message)
    }

    async fn check(
        &self,
        client: &AccountClient<'_>,
        _request: &PollRequest<'_>,
    ) -> Result<Vec<ListedVehicle>, PollError> {
        let body = requests::fetch_assets(client).await?;
        assets::parse(&body)
    }
}
