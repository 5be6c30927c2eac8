//! What is on record of a workspace.

use chrono::{DateTime, TimeDelta, Utc};
use domain::ids::{EventId, WorkspaceId};
use persistence::StorageError;
use persistence::history::{EventFilter, EventSpan, RecordedEvent};
use telemetry::metrics;

use crate::Core;

/// How far back is read unless asked otherwise: events are many, and kept by the day.
const SPAN: TimeDelta = TimeDelta::hours(24);
/// By how much the clocks of the instances that write a cycle's events may disagree.
const SLACK: TimeDelta = TimeDelta::minutes(1);

/// Which events, and which page of them.
#[derive(Clone, Debug, Default)]
pub struct EventQuery {
    /// What they are about.
    pub filter: EventFilter,
    /// At this instant or later.
    pub from: Option<DateTime<Utc>>,
    /// Before this instant.
    pub to: Option<DateTime<Utc>>,
    /// After this one in the list, which is newest first.
    pub before: Option<(DateTime<Utc>, EventId)>,
    /// At most so many.
    pub limit: i64,
}

/// Events that were recorded at `now` or earlier, newest first; `None` when there is no such workspace.
/// Without `from` they are of the 24 hours before `to`, or before now. A cycle's are looked for when it
/// was, so that all of them are found however long ago that is.
///
/// # Errors
/// When the store fails.
pub async fn recorded_events(
    core: &Core,
    workspace_id: &WorkspaceId,
    query: EventQuery,
    now: DateTime<Utc>,
) -> Result<Option<Vec<RecordedEvent>>, StorageError> {
    let _measured = metrics::query("events");
    if core.store.workspace(workspace_id).await?.is_none() {
        return Ok(None);
    }
    let of_cycle = match (query.filter.cycle_id, query.from, query.to) {
        (Some(cycle_id), None, None) => core.store.cycle_times(workspace_id, cycle_id).await?,
        _ => None,
    };
    let span = match of_cycle {
        Some((triggered_at, ended_at)) => EventSpan {
            from: triggered_at - SLACK,
            before: None,
            until: ended_at.map_or(now, |ended_at| now.min(ended_at + SLACK)),
        },
        None => EventSpan {
            from: query
                .from
                .unwrap_or_else(|| query.to.map_or(now, |to| to.min(now)) - SPAN),
            before: query.to,
            until: now,
        },
    };
    core.store
        .events(workspace_id, &query.filter, span, query.before, query.limit)
        .await
        .map(Some)
}
