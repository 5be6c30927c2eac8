//! The timeline of a poll cycle, put together from the cycle's record.

use chrono::{DateTime, Utc};
use contract::poll_cycles::TimelineEntry;
use domain::events::EventType;
use domain::polling::CycleStatus;
use persistence::polling::PollCycle;

use super::record::time_text;

/// An entry whose time can still be compared.
type TimedEntry<'a> = (DateTime<Utc>, TimelineEntry<'a>);

/// Renders a timeline: the trigger, each instance that took the cycle (a lost lease makes it more than one), each
/// polled connection, the end. A missed slot has no entries, for nothing happened.
pub(super) fn render_timeline(cycle: &PollCycle) -> Vec<TimelineEntry<'_>> {
    if CycleStatus::parse(&cycle.status) == Some(CycleStatus::Missed) {
        return Vec::new();
    }
    let triggered = entry(
        cycle.triggered_at,
        EventType::WorkspacePollCycleTriggered.as_str(),
    );
    let claims = cycle.claimed_at.iter();
    let started = claims.map(|at| entry(*at, EventType::WorkspacePollCycleStarted.as_str()));
    let polls = cycle.connections.iter().zip(&cycle.polled_at);
    let polled = polls.map(|(report, at)| {
        let (at, entry) = entry(*at, "ProviderConnectionPolled");
        let polled = TimelineEntry {
            provider_id: Some(report.provider_id.as_str().into()),
            outcome: Some(report.outcome.as_str().into()),
            ..entry
        };
        (at, polled)
    });
    let ended = cycle.ended_at.map(|at| {
        let (at, entry) = entry(at, event_of_end(&cycle.status));
        let ended = TimelineEntry {
            outcome: Some(cycle.status.as_str().into()),
            ..entry
        };
        (at, ended)
    });
    let mut entries: Vec<TimedEntry<'_>> = std::iter::once(triggered)
        .chain(started)
        .chain(polled)
        .chain(ended)
        .collect();
    // The sort is stable: entries of the same microsecond keep the order above.
    entries.sort_by_key(|(at, _)| *at);
    entries.into_iter().map(|(_, entry)| entry).collect()
}

fn entry(at: DateTime<Utc>, event: &'static str) -> TimedEntry<'static> {
    let entry = TimelineEntry {
        at: time_text(at),
        event: event.into(),
        provider_id: None,
        outcome: None,
    };
    (at, entry)
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
