//! The query behind the audit: it lists who changed what, over all workspaces.

use chrono::{DateTime, Utc};
use domain::events::{ChangeFilter, RecordedChange};
use domain::events::{EventPosition, conceal_credentials};
use telemetry::metrics;

use crate::Core;
use crate::queries::{Page, PageRequest, QueryError};

/// Lists changes of all workspaces that were recorded at `now` or earlier, newest first, with credentials
/// concealed in their details.
///
/// # Errors
/// [`QueryError::Storage`].
pub async fn list_changes(
    core: &Core,
    filter: &ChangeFilter,
    page: &PageRequest<EventPosition>,
    now: DateTime<Utc>,
) -> Result<Page<RecordedChange, EventPosition>, QueryError> {
    let _measured = metrics::query("audit");
    let rows = core
        .store
        .changes(filter, now, page.after, page.rows())
        .await?;
    let mut page = Page::cut(rows, page, |change| EventPosition {
        at: change.at,
        event_id: change.event_id,
    });
    for change in &mut page.items {
        change.details = conceal_credentials(change.details.take());
    }
    Ok(page)
}
