//! Recording that somebody took a list away.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use domain::events::EventType;
use domain::ids::{EventId, WorkspaceId};
use persistence::StorageError;
use persistence::history::ExportEvent;
use serde_json::json;

use crate::{Author, Core};

/// What somebody took away.
#[derive(Clone, Debug)]
pub struct Export {
    /// The name of the list.
    pub list: &'static str,
    /// The filter as it was asked for: names and values of parameters.
    pub filter: Vec<(String, String)>,
    /// The instant that the rows are of.
    pub evaluated_at: DateTime<Utc>,
    /// How many rows went out, by workspace.
    pub rows: BTreeMap<WorkspaceId, u64>,
    /// Whether the list went out to its end.
    pub complete: bool,
}

/// Records an export in each workspace that has rows in it: what was taken of a workspace is found in that
/// workspace's audit. The one write across workspaces, so that it is recorded whole or not at all.
///
/// # Errors
/// When the store fails.
pub async fn record_export(
    core: &Core,
    author: Author<'_>,
    export: &Export,
) -> Result<(), StorageError> {
    let now = core.clock.now();
    let filter: serde_json::Map<String, serde_json::Value> = export
        .filter
        .iter()
        .map(|(name, value)| (name.clone(), json!(value)))
        .collect();
    let rows: u64 = export.rows.values().sum();
    let events: Vec<ExportEvent<'_>> = export
        .rows
        .iter()
        .map(|(workspace_id, rows_of_workspace)| ExportEvent {
            workspace_id,
            event_id: EventId(core.ids.next(now)),
            payload: json!({
                "list": export.list,
                "format": "csv",
                "filter": filter,
                "evaluated_at": export.evaluated_at,
                "rows": rows,
                "rows_of_workspace": rows_of_workspace,
                "complete": export.complete,
                "changed_by": author.id,
            }),
        })
        .collect();
    core.store
        .append_export(
            EventType::WorklistExported,
            &events,
            author.id,
            author.trace_id,
            now,
        )
        .await
}
