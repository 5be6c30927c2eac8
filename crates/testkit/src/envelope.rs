//! Building a provider envelope, as the transport forwards it.

use application::commands::{
    AcceptError, EnvelopeBatch, Replay, accept_envelopes, replay_quarantine,
};
use chrono::{DateTime, SecondsFormat, Utc};
use domain::envelopes::{EnvelopeItem, EnvelopeTrace, EnvelopeVerdict, ProviderEnvelope};
use domain::fleet::ProviderType;
use domain::ids::{EnvelopeId, ProviderId};
use domain::quarantine::{EnvelopeChoice, ReplaySelection};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use sqlx::FromRow;
use uuid::Uuid;

use crate::{AUTHOR, Fleet};

/// Builds a provider envelope.
#[derive(Clone, Debug)]
pub struct EnvelopeBuilder {
    id: EnvelopeId,
    provider_type: ProviderType,
    provider_id: ProviderId,
    received_at: DateTime<Utc>,
    trace: Option<EnvelopeTrace>,
    raw_message: Box<RawValue>,
}

/// Begins the envelope of this number, which was received from the simulator through `sim-main` at
/// [`start`](crate::start) and has a message without content.
///
/// # Panics
/// Never.
pub fn an_envelope(number: u32) -> EnvelopeBuilder {
    EnvelopeBuilder {
        id: envelope_id(number),
        provider_type: ProviderType::DepotSim,
        provider_id: ProviderId::try_new("sim-main").expect("a provider id"),
        received_at: crate::start(),
        trace: None,
        raw_message: RawValue::from_string("{}".to_owned()).expect("JSON"),
    }
}

/// Returns the id of the envelope of this number. The ids are in the order of the numbers.
pub fn envelope_id(number: u32) -> EnvelopeId {
    EnvelopeId(Uuid::from_u128(
        0x019a_b000_0000_7000_8000_0000_0000_0000 | u128::from(number),
    ))
}

impl EnvelopeBuilder {
    /// Sets the type of the provider that the envelope names.
    #[must_use]
    pub fn of_type(self, provider_type: ProviderType) -> Self {
        Self {
            provider_type,
            ..self
        }
    }

    /// Sets the connection.
    ///
    /// # Panics
    /// If `provider_id` is not a provider id.
    #[must_use]
    pub fn through(self, provider_id: &str) -> Self {
        Self {
            provider_id: ProviderId::try_new(provider_id).expect("a provider id"),
            ..self
        }
    }

    /// Sets the time at which the transport received the message.
    #[must_use]
    pub fn received(self, received_at: DateTime<Utc>) -> Self {
        Self {
            received_at,
            ..self
        }
    }

    /// Gives the envelope a trace of its own.
    #[must_use]
    pub fn traced(self, trace_id: &str) -> Self {
        let trace = EnvelopeTrace {
            trace_id: trace_id.to_owned(),
            parent_id: Some("b7ad6b7169203331".to_owned()),
        };
        Self {
            trace: Some(trace),
            ..self
        }
    }

    /// Sets a message in which the simulator's vehicle of this name reports one signal, observed at
    /// [`start`](crate::start).
    #[must_use]
    pub fn reporting(self, vehicle: &str, signal: &str, value: impl Into<Value>) -> Self {
        self.reporting_at(crate::start(), vehicle, signal, value)
    }

    /// Sets a message in which the simulator's vehicle of this name reports one signal, observed at `at`.
    #[must_use]
    pub fn reporting_at(
        self,
        at: DateTime<Utc>,
        vehicle: &str,
        signal: &str,
        value: impl Into<Value>,
    ) -> Self {
        let time = at.to_rfc3339_opts(SecondsFormat::AutoSi, true);
        let message = json!({
            "id": vehicle,
            "signals": [{"name": signal, "value": value.into(), "time": time}],
        });
        self.saying(&message.to_string())
    }

    /// Sets the JSON text of the message.
    ///
    /// # Panics
    /// If the text is not JSON.
    #[must_use]
    pub fn saying(self, raw_message: &str) -> Self {
        Self {
            raw_message: RawValue::from_string(raw_message.to_owned()).expect("JSON"),
            ..self
        }
    }

    /// Returns the item of a batch that a command takes.
    pub fn item(&self) -> EnvelopeItem<'_> {
        EnvelopeItem::Envelope(self.envelope())
    }

    /// Returns the envelope itself, which the store takes.
    pub fn envelope(&self) -> ProviderEnvelope<'_> {
        ProviderEnvelope {
            id: self.id,
            provider_type: self.provider_type,
            provider_id: self.provider_id.clone(),
            received_at: self.received_at,
            trace: self.trace.clone(),
            raw_message: &self.raw_message,
        }
    }
}

/// A row of `provider_envelopes` with its raw message.
#[derive(Clone, Debug, FromRow, PartialEq, Eq)]
pub struct KeptEnvelope {
    /// The id of the envelope.
    pub envelope_id: Uuid,
    /// The time at which core recorded it first.
    pub recorded_at: DateTime<Utc>,
    /// The outcome, as a word.
    pub outcome: String,
    /// The reason of the outcome, as a word.
    pub reason: Option<String>,
    /// The reason in a sentence for people.
    pub detail: Option<String>,
    /// The message as the provider sent it.
    pub raw_message: String,
}

impl Fleet {
    /// Forwards a batch of envelopes.
    ///
    /// # Panics
    /// If the whole batch is refused.
    pub async fn forward(
        &self,
        envelopes: impl IntoIterator<Item = EnvelopeBuilder>,
    ) -> Vec<EnvelopeVerdict> {
        let envelopes: Vec<EnvelopeBuilder> = envelopes.into_iter().collect();
        let items: Vec<EnvelopeItem<'_>> = envelopes.iter().map(EnvelopeBuilder::item).collect();
        self.forward_items(&items)
            .await
            .expect("a batch that is not refused whole")
    }

    /// Forwards a batch of which any item may be malformed.
    ///
    /// # Errors
    /// If the whole batch is refused.
    pub async fn forward_items(
        &self,
        items: &[EnvelopeItem<'_>],
    ) -> Result<Vec<EnvelopeVerdict>, AcceptError> {
        let batch = EnvelopeBatch {
            workspace_id: &self.id,
            items,
            trace_id: None,
        };
        let judged = accept_envelopes(&self.core, batch).await?;
        Ok(judged.into_iter().map(|one| one.verdict).collect())
    }

    /// Replays the envelopes in quarantine, a thousand at most.
    ///
    /// # Panics
    /// If the store fails.
    pub async fn replay(&self) -> Replay {
        self.replay_those(EnvelopeChoice::Quarantined {
            provider_id: None,
            reason: None,
            limit: 1_000,
        })
        .await
    }

    /// Replays some envelopes.
    ///
    /// # Panics
    /// If the store fails.
    pub async fn replay_those(&self, which: EnvelopeChoice<'_>) -> Replay {
        let selection = ReplaySelection { after: None, which };
        replay_quarantine(&self.core, AUTHOR, &self.id, selection)
            .await
            .expect("a replay")
    }

    /// Loads all envelopes with their messages, in order of their ids.
    ///
    /// # Panics
    /// If the store fails.
    pub async fn kept_envelopes(&self) -> Vec<KeptEnvelope> {
        sqlx::query_as(
            "SELECT envelope_id, recorded_at, outcome, reason, detail, raw_message
             FROM provider_envelopes JOIN raw_messages USING (workspace_id, recorded_at, envelope_id)
             WHERE workspace_id = $1 ORDER BY envelope_id",
        )
        .bind(self.id.as_str())
        .fetch_all(self.core.store.pool())
        .await
        .expect("envelopes")
    }
}

/// Returns what became of each envelope, in words: the outcome, with a reason if there is one.
pub fn outcomes_of<'v>(verdicts: impl IntoIterator<Item = &'v EnvelopeVerdict>) -> Vec<String> {
    let words = |verdict: &EnvelopeVerdict| match verdict.reason() {
        Some(reason) => format!("{}: {reason}", verdict.outcome()),
        None => verdict.outcome().to_string(),
    };
    verdicts.into_iter().map(words).collect()
}
