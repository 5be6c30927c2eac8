//! The export of a whole worklist as CSV, sent page by page, so that memory holds one page at a time.
//!
//! Each page is a query of its own. One long statement would run into the statement timeout when the client
//! reads slowly, and would hold a database connection all that time. A page after a given position has the
//! same rows whenever it is queried, except for devices that have reported meanwhile.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use application::exports::{Export, record_export};
use application::queries::{
    Page, PageRequest, QueryError, SilentDevice, WorklistFilter, list_silent_devices,
};
use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use domain::health::WorklistPosition;
use domain::ids::WorkspaceId;
use futures::{StreamExt, stream};
use tokio::sync::mpsc::{self, Receiver, Sender};
use tracing::Instrument;

use super::csv;
use super::view::render_silent_device;
use crate::access::Caller;
use crate::problem::Problem;
use crate::state::AppState;

/// The number of devices that one query returns. Each query walks the index anew, so pages are large.
const PAGE_DEVICES: usize = 20_000;

/// The number of devices in one chunk of the body, some 100 kB.
const CHUNK_DEVICES: usize = 500;

/// The largest number of chunks that wait for the client.
const MAX_WAITING_CHUNKS: usize = 4;

/// An export that was asked for: which list, with which filter, and by whom.
pub(super) struct WorklistExport {
    pub(super) state: Arc<AppState>,
    pub(super) caller: Caller,
    /// The name of the list, which stands in the export's record and in the file name.
    pub(super) list: &'static str,
    pub(super) filter: WorklistFilter,
    /// The filter as the caller wrote it: names and values of the query parameters.
    pub(super) query: Vec<(String, String)>,
    pub(super) now: DateTime<Utc>,
    /// The number of rows sent so far, by workspace.
    pub(super) rows: BTreeMap<WorkspaceId, u64>,
}

/// A page of the worklist.
type SilentDevices = Page<SilentDevice, WorklistPosition>;

/// A chunk of the body, or `None` at its end. A channel that closes without this end means that the task died
/// before it recorded the export, and the body must break off.
type Chunk = Result<Option<Bytes>, io::Error>;

/// The reason why an export ended early.
#[derive(Debug, thiserror::Error)]
enum ExportError {
    #[error("the client disconnected")]
    ClientGone,
    #[error("the rows could not be loaded from the database")]
    Query(#[from] QueryError),
    #[error("the rows could not be rendered as CSV")]
    Csv(#[from] ::csv::Error),
}

impl WorklistExport {
    /// Starts the export and returns the response, whose body is produced while the client reads it.
    ///
    /// # Errors
    /// When the first page cannot be loaded. After that, a failure breaks off the body.
    pub(super) async fn into_response(self) -> Result<Response, Problem> {
        let name = format!("{}-{}.csv", self.list, self.now.format("%Y%m%dT%H%M%SZ"));
        let first = self.load_page(None).await?;
        let (sender, receiver) = mpsc::channel(MAX_WAITING_CHUNKS);
        // The rows are sent by a task of its own, which records the export even if the client disconnects.
        let tasks = self.state.tasks.clone();
        tasks.spawn(self.run(first, sender).in_current_span());
        // Fused, because a body may be polled once more after its end.
        let body = Body::from_stream(stream::unfold(receiver, next_chunk).fuse());
        let disposition = HeaderValue::from_str(&format!("attachment; filename=\"{name}\""));
        let headers = [
            (
                header::CONTENT_TYPE,
                HeaderValue::from_static("text/csv; charset=utf-8"),
            ),
            (
                header::CONTENT_DISPOSITION,
                // Cannot fail: the name of a list and a time are visible ASCII.
                disposition.unwrap_or(HeaderValue::from_static("attachment")),
            ),
        ];
        Ok((headers, body).into_response())
    }

    async fn load_page(
        &self,
        after: Option<WorklistPosition>,
    ) -> Result<SilentDevices, QueryError> {
        let page = PageRequest {
            after,
            limit: PAGE_DEVICES,
        };
        list_silent_devices(&self.state.core, &self.filter, &page, self.now).await
    }

    /// Sends all rows, then records the export, and only then ends the body, so that nobody has a whole list
    /// without a record of it.
    async fn run(mut self, first: SilentDevices, sender: Sender<Chunk>) {
        let sent = self.send_rows(first, &sender).await;
        let complete = sent.is_ok();
        let recorded = record_export(
            &self.state.core,
            self.caller.author(),
            &Export {
                list: self.list,
                filter: self.query,
                evaluated_at: self.now,
                rows: self.rows,
                complete,
            },
        )
        .await;
        let failure = match (sent, recorded) {
            (Ok(()), Ok(())) => {
                // A failure is ignored: a client that disconnected by now has the whole list already.
                let _ = sender.send(Ok(None)).await;
                return;
            }
            (Err(ExportError::ClientGone), Ok(())) => {
                tracing::info!("the client disconnected before the end of an export");
                return;
            }
            (_, Err(error)) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "an export was sent but could not be recorded, so its body breaks off"
                );
                "the export could not be recorded"
            }
            (Err(error), Ok(())) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "an export broke off before its end"
                );
                "the export broke off"
            }
        };
        // The client sees a body without its end. A client that disconnected cannot be informed, so a failure is
        // ignored.
        let _ = sender.send(Err(io::Error::other(failure))).await;
    }

    async fn send_rows(
        &mut self,
        first: SilentDevices,
        sender: &Sender<Chunk>,
    ) -> Result<(), ExportError> {
        send_chunk(sender, csv::render_header()?).await?;
        let mut page = first;
        loop {
            for devices in page.items.chunks(CHUNK_DEVICES) {
                let views = devices
                    .iter()
                    .map(|device| render_silent_device(device, self.now));
                send_chunk(sender, csv::render_lines(views)?).await?;
                for device in devices {
                    *self.rows.entry(device.workspace_id.clone()).or_default() += 1;
                }
            }
            let Some(next) = page.next else {
                return Ok(());
            };
            page = self.load_page(Some(next)).await?;
        }
    }
}

async fn next_chunk(
    mut receiver: Receiver<Chunk>,
) -> Option<(Result<Bytes, io::Error>, Receiver<Chunk>)> {
    let chunk = match receiver.recv().await {
        Some(chunk) => chunk.transpose()?,
        None => Err(io::Error::other("the export broke off")),
    };
    Some((chunk, receiver))
}

async fn send_chunk(sender: &Sender<Chunk>, chunk: Bytes) -> Result<(), ExportError> {
    sender
        .send(Ok(Some(chunk)))
        .await
        .map_err(|_| ExportError::ClientGone)
}
