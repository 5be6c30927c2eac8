//! The record of exports: somebody downloaded a list.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use domain::events::EventType;
use domain::ids::{EventId, WorkspaceId};
use persistence::StorageError;
use persistence::history::ExportEvent;
use serde_json::json;

use crate::{Author, Core};

/// A list that somebody downloaded.
#[derive(Clone, Debug)]
pub struct Export {
    /// The name of the list.
    pub list: &'static str,
    /// The parameters of the request that filter the list, by name and value.
    pub filter: Vec<(String, String)>,
    /// The instant at which the rows were evaluated.
    pub evaluated_at: DateTime<Utc>,
    /// The number of downloaded rows of each workspace.
    pub rows: BTreeMap<WorkspaceId, u64>,
    /// Whether the list was downloaded to its end.
    pub complete: bool,
}

/// Records an export as one event in each workspace that has rows in the list, so that each workspace's audit shows
/// what was downloaded of the workspace. One statement writes the events of all workspaces: either all of them are
/// recorded or none.
///
/// # Errors
/// [`StorageError`] if the store fails.
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
