//! The record of a poll cycle, as answers show it.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use contract::poll_cycles::{ConnectionPollRecord, PollCycleRecord, PollErrorRecord, StreamRecord};
use domain::TimeText;
use domain::polling::{ConnectionReport, PollCycle, StreamReport};

use super::timeline::render_timeline;

/// The number of missing devices that an answer names. `devices_expected - returned` says how many there are.
const MAX_NAMED_MISSING: usize = 100;

/// Renders a cycle.
pub(super) fn render_cycle(cycle: &PollCycle) -> PollCycleRecord<'_> {
    PollCycleRecord {
        cycle_id: cycle.cycle_id.to_string().into(),
        trigger: cycle.trigger.as_str().into(),
        status: cycle.status.as_str().into(),
        scheduled_time: cycle.scheduled_time.map(time_text),
        due_at: time_text(cycle.due_at),
        started_at: cycle.started_at.map(time_text),
        ended_at: cycle.ended_at.map(time_text),
        trace_id: cycle.trace_id.as_deref().map(Cow::Borrowed),
        reason: cycle.reason.as_deref().map(Cow::Borrowed),
        missed_at: cycle.missed_at.map(time_text),
        connections: cycle
            .polls
            .iter()
            .map(|poll| render_connection(&poll.report))
            .collect(),
        streams: cycle.streams.iter().map(render_stream).collect(),
        timeline: render_timeline(cycle),
    }
}

/// Renders a time as every answer shows times.
pub(super) fn time_text(time: DateTime<Utc>) -> Cow<'static, str> {
    TimeText(time).to_string().into()
}

fn render_connection(report: &ConnectionReport) -> ConnectionPollRecord<'_> {
    let missing = report.missing.iter().take(MAX_NAMED_MISSING);
    let rejected = report.rejected.iter();
    ConnectionPollRecord {
        provider_id: report.provider_id.as_str().into(),
        outcome: report.outcome.as_str().into(),
        error: report.error.as_ref().map(|error| PollErrorRecord {
            class: error.class.as_str().into(),
            detail: error.detail.as_str().into(),
        }),
        devices_expected: report.devices_expected,
        returned: report.returned,
        missing: missing.map(|id| id.as_str().into()).collect(),
        unchanged: report.unchanged,
        accepted: report.accepted,
        duplicate: report.duplicate,
        stale: report.stale,
        rejected: rejected
            .map(|(reason, updates)| (reason.as_str().into(), *updates))
            .collect(),
        attempts: report.attempts,
        duration_ms: report.duration_ms,
    }
}

fn render_stream(report: &StreamReport) -> StreamRecord<'_> {
    StreamRecord {
        provider_id: report.provider_id.as_str().into(),
        envelopes: report.envelopes,
        accepted: report.accepted,
        quarantined: report.quarantined,
        last_received_at: report.last_received_at.map(time_text),
    }
}
