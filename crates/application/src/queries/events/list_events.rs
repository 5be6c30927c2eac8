//! The query that lists a workspace's events.

use chrono::{DateTime, TimeDelta, Utc};
use domain::events::{EventFilter, EventPosition, RecordedEvent, conceal_credentials};
use domain::ids::WorkspaceId;
use persistence::StorageError;
use persistence::history::EventSpan;
use telemetry::metrics;

use crate::Core;
use crate::queries::{Page, PageRequest, QueryError, get_workspace};

/// The span of time that is read if the query names none, since events are many.
const DEFAULT_SPAN: TimeDelta = TimeDelta::hours(24);
/// By how much the clocks of the instances that write a cycle's events may disagree.
const CLOCK_DIFFERENCE: TimeDelta = TimeDelta::minutes(1);

/// The events that a reader asks for.
#[derive(Clone, Debug, Default)]
pub struct EventQuery {
    /// What the events are about.
    pub filter: EventFilter,
    /// Only events at this instant or later.
    pub from: Option<DateTime<Utc>>,
    /// Only events before this instant.
    pub to: Option<DateTime<Utc>>,
}

/// Lists a workspace's events that were recorded at `now` or earlier, newest first, with credentials concealed
/// in their payloads. Without `from` the list holds the 24 hours before `to`, or before now. The events of one
/// cycle are looked for in the cycle's own time, so that all of them are found however long ago that is.
///
/// # Errors
/// [`QueryError::NotFound`] for an unknown workspace; [`QueryError::Storage`].
pub async fn list_events(
    core: &Core,
    workspace_id: &WorkspaceId,
    query: &EventQuery,
    page: &PageRequest<EventPosition>,
    now: DateTime<Utc>,
) -> Result<Page<RecordedEvent, EventPosition>, QueryError> {
    let _measured = metrics::query("events");
    get_workspace(core, workspace_id).await?;
    let span = choose_span(core, workspace_id, query, now).await?;
    let rows = core
        .store
        .events(workspace_id, &query.filter, span, page.after, page.rows())
        .await?;
    let mut page = Page::cut(rows, page, |event| EventPosition {
        at: event.recorded_at,
        event_id: event.event_id,
    });
    for event in &mut page.items {
        event.payload = conceal_credentials(event.payload.take());
    }
    Ok(page)
}

/// Chooses the span of time in which the events are looked for.
async fn choose_span(
    core: &Core,
    workspace_id: &WorkspaceId,
    query: &EventQuery,
    now: DateTime<Utc>,
) -> Result<EventSpan, StorageError> {
    let of_cycle = match (query.filter.cycle_id, query.from, query.to) {
        (Some(cycle_id), None, None) => core.store.cycle_times(workspace_id, cycle_id).await?,
        _ => None,
    };
    Ok(match of_cycle {
        Some((triggered_at, ended_at)) => EventSpan {
            from: triggered_at - CLOCK_DIFFERENCE,
            before: None,
            until: ended_at.map_or(now, |ended_at| now.min(ended_at + CLOCK_DIFFERENCE)),
        },
        None => EventSpan {
            from: query
                .from
                .unwrap_or_else(|| query.to.map_or(now, |to| to.min(now)) - DEFAULT_SPAN),
            before: query.to,
            until: now,
        },
    })
}
