//! The measurement of pages of a long list: the snapshots of a workspace of many devices, from the start and
//! from the middle.

use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::Value;

use crate::BenchFlags;
use crate::health::{ReadTurn, ReadWorkspace};
use crate::http::HttpConnection;
use crate::service::Service;

const LIMIT: usize = 100;

/// The latencies of pages, the shortest first.
pub(crate) struct PageReads {
    /// The latencies of the first page.
    pub(crate) first: Vec<Duration>,
    /// The latencies of the pages after the first.
    pub(crate) following: Vec<Duration>,
}

/// Reads the first page and the following pages by turns.
///
/// # Errors
/// If a page lacks rows.
pub(crate) async fn measure(
    flags: &BenchFlags,
    subject: &ReadWorkspace,
    service: &Service,
) -> anyhow::Result<PageReads> {
    let mut http = service.as_machine().await?;
    let path = format!(
        "/api/telematics-mvp/workspaces/{}/snapshots?limit={LIMIT}",
        subject.workspace
    );
    let (second, _) = read_page(&mut http, &path).await?;
    let second = second.context("the list has only one page")?;
    let mut cursor = second.clone();
    let (mut first, mut following) = (Vec::new(), Vec::new());
    for _ in 0..flags.rounds {
        let mut turn = ReadTurn::begin();
        while turn.goes_on() {
            first.push(read_page(&mut http, &path).await?.1);
        }
        let mut turn = ReadTurn::begin();
        while turn.goes_on() {
            let following_path = format!("{path}&cursor={cursor}");
            let (next, latency) = read_page(&mut http, &following_path).await?;
            following.push(latency);
            // After the last page, the reads begin again with the second page.
            cursor = match next {
                Some(next) => next,
                None => second.clone(),
            };
        }
    }
    first.sort_unstable();
    following.sort_unstable();
    Ok(PageReads { first, following })
}

/// Reads a page; returns the next page's cursor, if there is one, and the latency.
async fn read_page(
    http: &mut HttpConnection,
    path: &str,
) -> anyhow::Result<(Option<String>, Duration)> {
    let (body, latency) = http.get(path).await?;
    let page: Value = serde_json::from_slice(&body)?;
    let rows = page["snapshots"].as_array().map_or(0, Vec::len);
    ensure!(rows == LIMIT, "a page has {rows} rows instead of {LIMIT}");
    let cursor = page["next_cursor"].as_str().map(str::to_owned);
    Ok((cursor, latency))
}
