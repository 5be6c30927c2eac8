//! A cycle's life in moments, each from a record of it.

use chrono::{DateTime, Utc};
use domain::events::EventType;
use domain::polling::CycleStatus;
use persistence::polling::PollCycle;
use serde::Serialize;
use utoipa::ToSchema;

use crate::openapi::schema;

/// A moment in a cycle's life.
#[derive(Serialize, ToSchema)]
pub(crate) struct Moment {
    at: DateTime<Utc>,
    /// What happened: the name of its event, or `ProviderConnectionPolled`; an open vocabulary.
    #[schema(example = "ProviderConnectionPolled")]
    event: &'static str,
    /// Whose connection was polled.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::ProviderId>)]
    provider_id: Option<String>,
    /// How the connection's poll, or the cycle, ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "ok")]
    outcome: Option<String>,
}

impl Moment {
    const fn of(at: DateTime<Utc>, event: &'static str) -> Self {
        Self {
            at,
            event,
            provider_id: None,
            outcome: None,
        }
    }
}

/// Triggered, taken by an instance (again after each lost lease), each connection polled, over. Of a
/// slot that was missed nothing is told, for nothing happened.
pub(super) fn timeline(cycle: &PollCycle) -> Vec<Moment> {
    if CycleStatus::parse(&cycle.status) == Some(CycleStatus::Missed) {
        return Vec::new();
    }
    let triggered = Moment::of(
        cycle.triggered_at,
        EventType::WorkspacePollCycleTriggered.as_str(),
    );
    let claims = cycle.claimed_at.iter();
    let started = claims.map(|at| Moment::of(*at, EventType::WorkspacePollCycleStarted.as_str()));
    let polls = cycle.connections.iter().zip(&cycle.polled_at);
    let polled = polls.map(|(report, at)| Moment {
        provider_id: Some(report.provider_id.to_string()),
        outcome: Some(report.outcome.to_string()),
        ..Moment::of(*at, "ProviderConnectionPolled")
    });
    let ended = cycle.ended_at.map(|at| Moment {
        outcome: Some(cycle.status.clone()),
        ..Moment::of(at, event_of_end(&cycle.status))
    });
    let mut moments: Vec<Moment> = std::iter::once(triggered)
        .chain(started)
        .chain(polled)
        .chain(ended)
        .collect();
    // What happened in the same microsecond stays in the order above.
    moments.sort_by_key(|moment| moment.at);
    moments
}

/// Returns the event of a cycle's end: whether it was polled to its end or not.
fn event_of_end(status: &str) -> &'static str {
    let is_polled = CycleStatus::parse(status).is_some_and(CycleStatus::is_polled);
    let event_type = if is_polled {
        EventType::WorkspacePollIngestCompleted
    } else {
        EventType::WorkspacePollCycleClosed
    };
    event_type.as_str()
}
