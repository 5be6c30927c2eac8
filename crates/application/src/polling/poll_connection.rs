//! One connection's part of a cycle: ask its provider, accept the answer, report how it fared.

use chrono::{DateTime, Utc};
use clock::Stopwatch;
use domain::acceptance::Judged;
use domain::fleet::{Connection, Device, WorkspaceRecord};
use domain::polling::{ConnectionOutcome, ConnectionReport, PollError};
use persistence::acceptance::AcceptanceWriter;
use persistence::polling::ClaimedCycle;
use providers::{PollResult, Providers};
use telemetry::{metrics, traces};
use tracing::Span;

use super::accept_answer::accept_answer;
use super::ask::ask;
use super::feed_start::FeedStart;
use super::report::count;
use crate::Core;
use crate::commands::{AcceptError, count_judged};

/// A connection that is polled in a cycle, with what was known of it when its poll began.
pub(super) struct ConnectionPoll<'a> {
    pub(super) core: &'a Core,
    pub(super) providers: &'a Providers,
    pub(super) cycle: &'a ClaimedCycle,
    pub(super) workspace: &'a WorkspaceRecord,
    pub(super) connection: &'a Connection,
    /// The active devices of the connection.
    pub(super) expected: Vec<Device>,
    pub(super) started_at: DateTime<Utc>,
}

/// What came of asking.
pub(super) enum Asked {
    /// The provider was not asked, for this reason.
    Skipped(PollError),
    /// The provider was asked.
    Ended(PollResult),
}

/// Polls a connection and accepts its answer, together with the record of how it fared, in one unit of work under
/// the cycle's lease.
///
/// # Errors
/// [`AcceptError`]; then nothing of this connection has landed, and another holder will ask again.
pub(super) async fn poll_connection(
    core: &Core,
    providers: &Providers,
    cycle: &ClaimedCycle,
    workspace: &WorkspaceRecord,
    connection: &Connection,
) -> Result<ConnectionReport, AcceptError> {
    let stopwatch = Stopwatch::start();
    let started_at = core.clock.now();
    let store = &core.store;
    let poll = ConnectionPoll {
        core,
        providers,
        cycle,
        workspace,
        connection,
        expected: store
            .devices_of_connection(&cycle.workspace_id, &connection.id)
            .await?,
        started_at,
    };
    // After the devices: one that is activated between the two reads is not among those expected, and the next
    // poll sees that its cursors are older.
    let start = FeedStart::load(&poll).await?;
    let asked = ask(&poll, &start).await?;

    let _measured = metrics::query("accept_poll");
    let prepared_at = core.clock.now();
    let mut writer = store.begin_acceptance(&cycle.workspace_id).await?;
    let (mut report, judged) = accept(&poll, start, asked, &mut writer, prepared_at).await?;
    report.duration_ms = u32::try_from(stopwatch.elapsed_ms()).unwrap_or(u32::MAX);
    let uow = writer.unit_of_work().await?;
    uow.record_connection(cycle.cycle_id, &report, started_at, core.clock.now())
        .await?;
    writer.commit().await?;

    count_judged(&judged);
    let class = report.error.as_ref().map(|error| error.class.as_str());
    traces::ended(&Span::current(), report.outcome.as_str(), class);
    Ok(report)
}

/// Accepts what came of asking and reports how the connection fared.
async fn accept(
    poll: &ConnectionPoll<'_>,
    start: FeedStart,
    asked: Asked,
    writer: &mut AcceptanceWriter<'_>,
    prepared_at: DateTime<Utc>,
) -> Result<(ConnectionReport, Vec<Judged>), AcceptError> {
    let (outcome, error, attempts) = match asked {
        Asked::Skipped(reason) => (ConnectionOutcome::Skipped, reason, 0),
        Asked::Ended(PollResult {
            answer,
            failure: Some(failure),
            attempts,
        }) if answer.is_empty() => (ConnectionOutcome::Failed, failure, attempts),
        Asked::Ended(result) => {
            return accept_answer(poll, start, result, writer, prepared_at).await;
        }
    };
    let ClaimedCycle {
        cycle_id, lease, ..
    } = poll.cycle;
    if !writer.holds_lease(*cycle_id, *lease).await? {
        return Err(AcceptError::LeaseLost);
    }
    let provider_id = poll.connection.id.clone();
    let expected = count(poll.expected.len());
    let report = ConnectionReport {
        attempts,
        ..ConnectionReport::without_answer(provider_id, outcome, error, expected)
    };
    Ok((report, Vec::new()))
}
