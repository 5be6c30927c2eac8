//! The timeline of a poll cycle, as answers show it.

use contract::poll_cycles::TimelineEntry;
use domain::polling::{CycleMoment, PollCycle};

use super::record::time_text;

/// Renders the timeline of a cycle.
pub(super) fn render_timeline(cycle: &PollCycle) -> Vec<TimelineEntry<'_>> {
    cycle.timeline().iter().map(render_moment).collect()
}

fn render_moment<'a>(moment: &CycleMoment<'a>) -> TimelineEntry<'a> {
    TimelineEntry {
        at: time_text(moment.at),
        event: moment.event.into(),
        provider_id: moment.provider_id.map(|id| id.as_str().into()),
        outcome: moment.outcome.map(Into::into),
    }
}
