//! The timeline of a poll cycle: what happened to it, instant by instant.

use chrono::{DateTime, Utc};

use super::{CycleStatus, PollCycle};
use crate::events::EventType;
use crate::ids::ProviderId;

/// One thing that happened in a cycle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CycleMoment<'c> {
    /// The instant at which it happened.
    pub at: DateTime<Utc>,
    /// The name of its event, or `ProviderConnectionPolled`.
    pub event: &'static str,
    /// The connection that was polled.
    pub provider_id: Option<&'c ProviderId>,
    /// How the poll of the connection, or the cycle, ended.
    pub outcome: Option<&'c str>,
}

impl PollCycle {
    /// The cycle's timeline, oldest first: the trigger, each claim by an instance, the end of each
    /// connection's poll, the end of the cycle. The timeline of a missed slot is empty: nothing happened.
    pub fn timeline(&self) -> Vec<CycleMoment<'_>> {
        let status = CycleStatus::parse(&self.status);
        if status == Some(CycleStatus::Missed) {
            return Vec::new();
        }
        let moment = |at, event| CycleMoment {
            at,
            event,
            provider_id: None,
            outcome: None,
        };
        let triggered = moment(
            self.triggered_at,
            EventType::WorkspacePollCycleTriggered.as_str(),
        );
        let claims = self.claimed_at.iter();
        let claims = claims.map(|at| moment(*at, EventType::WorkspacePollCycleStarted.as_str()));
        let polls = self.polls.iter().map(|poll| CycleMoment {
            provider_id: Some(&poll.report.provider_id),
            outcome: Some(poll.report.outcome.as_str()),
            ..moment(poll.ended_at, "ProviderConnectionPolled")
        });
        let end = self.ended_at.map(|at| CycleMoment {
            outcome: Some(&self.status),
            ..moment(at, event_of_end(status))
        });
        let mut moments: Vec<CycleMoment<'_>> = std::iter::once(triggered)
            .chain(claims)
            .chain(polls)
            .chain(end)
            .collect();
        // A stable sort: what happened in the same microsecond stays in the order above.
        moments.sort_by_key(|moment| moment.at);
        moments
    }
}

/// Returns the event of a cycle's end: whether the cycle was polled to its end or not.
fn event_of_end(status: Option<CycleStatus>) -> &'static str {
    let event_type = if status.is_some_and(CycleStatus::is_polled) {
        EventType::WorkspacePollIngestCompleted
    } else {
        EventType::WorkspacePollCycleClosed
    };
    event_type.as_str()
}
