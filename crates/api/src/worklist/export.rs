//! A worklist taken away whole, page by page: memory holds one page, however many there are.
//!
//! Each page is a request of its own to the database. One long statement would be cut off by its time limit
//! where the client reads slowly, and would hold a connection as long. A page after a place is the same rows
//! whenever it is read, but for devices that have reported meanwhile.

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
use super::view::silent_device_view;
use crate::access::Caller;
use crate::problem::Problem;
use crate::state::AppState;

/// Devices of a page: a page of a million is looked for once for so many.
const PAGE: usize = 20_000;

/// Devices of a piece that goes out, some 100 kB.
const PIECE: usize = 500;

/// Pieces that wait for the client, at most.
const AHEAD: usize = 4;

/// What is taken away, and by whom.
pub(super) struct WorklistExport {
    pub(super) state: Arc<AppState>,
    pub(super) caller: Caller,
    /// The list's name, in the record and of the file.
    pub(super) list: &'static str,
    pub(super) filter: WorklistFilter,
    /// The filter as it was asked for: names and values of parameters.
    pub(super) asked: Vec<(String, String)>,
    pub(super) now: DateTime<Utc>,
    /// So far, by workspace.
    pub(super) rows: BTreeMap<WorkspaceId, u64>,
}

/// A page of the worklist.
type SilentDevices = Page<SilentDevice, WorklistPosition>;

/// Some of the body, or its end: a task that ends without having said so has not recorded anything either.
type Piece = Result<Option<Bytes>, io::Error>;

/// Why an export ended early.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error("the client went away")]
    ClientGone,
    #[error("the rows could not be read")]
    Query(#[from] QueryError),
    #[error("the rows could not be written")]
    Csv(#[from] ::csv::Error),
}

impl WorklistExport {
    /// The answer, whose body goes on being read and written while the client takes it.
    ///
    /// # Errors
    /// When the first page cannot be read; later, the body breaks off.
    pub(super) async fn answer(self) -> Result<Response, Problem> {
        let name = format!("{}-{}.csv", self.list, self.now.format("%Y%m%dT%H%M%SZ"));
        let first = self.page(None).await?;
        let (sender, receiver) = mpsc::channel(AHEAD);
        // The rows are sent by a task of its own, which records the export even if the client disconnects.
        let tasks = self.state.tasks.clone();
        tasks.spawn(self.run(first, sender).in_current_span());
        // Some ask once more after the end.
        let body = Body::from_stream(stream::unfold(receiver, next_piece).fuse());
        let disposition = HeaderValue::from_str(&format!("attachment; filename=\"{name}\""));
        let headers = [
            (
                header::CONTENT_TYPE,
                HeaderValue::from_static("text/csv; charset=utf-8"),
            ),
            (
                header::CONTENT_DISPOSITION,
                // A list's name and a time are plain text.
                disposition.unwrap_or(HeaderValue::from_static("attachment")),
            ),
        ];
        Ok((headers, body).into_response())
    }

    async fn page(&self, after: Option<WorklistPosition>) -> Result<SilentDevices, QueryError> {
        let page = PageRequest { after, limit: PAGE };
        list_silent_devices(&self.state.core, &self.filter, &page, self.now).await
    }

    /// Sends all rows, then records what went out, and only then lets the body end: whoever has the whole
    /// list is on record.
    async fn run(mut self, first: SilentDevices, sender: Sender<Piece>) {
        let sent = self.send(first, &sender).await;
        let complete = sent.is_ok();
        let recorded = record_export(
            &self.state.core,
            self.caller.author(),
            &Export {
                list: self.list,
                filter: self.asked,
                evaluated_at: self.now,
                rows: self.rows,
                complete,
            },
        )
        .await;
        let failure = match (sent, recorded) {
            (Ok(()), Ok(())) => {
                // Whoever is gone by now has the whole list all the same.
                let _ = sender.send(Ok(None)).await;
                return;
            }
            (Err(Broken::ClientGone), Ok(())) => {
                tracing::info!("the client went away before the end of an export");
                return;
            }
            (_, Err(error)) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "an export could not be recorded"
                );
                "the export could not be recorded"
            }
            (Err(error), Ok(())) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "an export broke off"
                );
                "the export broke off"
            }
        };
        // The client sees a body without its end. One that is gone needs not be told.
        let _ = sender.send(Err(io::Error::other(failure))).await;
    }

    async fn send(&mut self, first: SilentDevices, sender: &Sender<Piece>) -> Result<(), Broken> {
        send(sender, csv::head()?).await?;
        let mut page = first;
        loop {
            for devices in page.items.chunks(PIECE) {
                let views = devices
                    .iter()
                    .map(|device| silent_device_view(device, self.now));
                send(sender, csv::lines(views)?).await?;
                for device in devices {
                    *self.rows.entry(device.workspace_id.clone()).or_default() += 1;
                }
            }
            let Some(next) = page.next else {
                return Ok(());
            };
            page = self.page(Some(next)).await?;
        }
    }
}

async fn next_piece(
    mut receiver: Receiver<Piece>,
) -> Option<(Result<Bytes, io::Error>, Receiver<Piece>)> {
    let piece = match receiver.recv().await {
        Some(piece) => piece.transpose()?,
        None => Err(io::Error::other("the export broke off")),
    };
    Some((piece, receiver))
}

async fn send(sender: &Sender<Piece>, piece: Bytes) -> Result<(), Broken> {
    sender
        .send(Ok(Some(piece)))
        .await
        .map_err(|_| Broken::ClientGone)
}
