//! Accepting the answer of a poll, with the cursors that it brought.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use domain::acceptance::{Judged, Origin, Source};
use domain::ids::DeviceId;
use domain::polling::ConnectionReport;
use persistence::acceptance::AcceptanceWriter;
use persistence::{StorageError, UnitOfWork};
use providers::{Coverage, PollAnswer, PollResult};
use tracing::Instrument;

use super::feed_start::FeedStart;
use super::poll_connection::ConnectionPoll;
use super::report::report_answer;
use crate::commands::{AcceptError, Batch, decide_and_record, keep_rejections};

/// Accepts an answer, or the part of one that came before its provider failed.
pub(super) async fn accept_answer(
    poll: &ConnectionPoll<'_>,
    start: FeedStart,
    result: PollResult,
    writer: &mut AcceptanceWriter<'_>,
    prepared_at: DateTime<Utc>,
) -> Result<(ConnectionReport, Vec<Judged>), AcceptError> {
    let ConnectionPoll { core, cycle, .. } = *poll;
    let source = Source::Cycle {
        cycle_id: cycle.cycle_id,
        lease: cycle.lease,
    };
    let origin = Origin {
        envelope_id: None,
        trace_id: cycle.trace_id.as_deref(),
    };
    let items = result.answer.items.iter().map(|item| (item, origin));
    let batch = Batch::new(&cycle.workspace_id, source, prepared_at, items);
    let span = tracing::error_span!("accept_updates", updates = result.answer.items.len());
    let judged = decide_and_record(core, writer, batch)
        .instrument(span)
        .await?;
    keep_rejections(core, writer, source, &judged).await?;
    let judged: Vec<Judged> = judged.into_iter().map(|one| one.judged).collect();
    let uow = writer.unit_of_work().await?;
    let missing = find_missing(poll, &result.answer, uow).await?;
    let report = report_answer(poll, &result, missing, &judged);
    start
        .keep_positions(poll, result.answer.positions, &judged, uow)
        .await?;
    Ok((report, judged))
}

/// Finds the expected devices that the provider does not have. An answer that does not speak of every vehicle
/// vouches for those it does not name, but for those who were missing from the latest answer that did, and have
/// not come since.
async fn find_missing(
    poll: &ConnectionPoll<'_>,
    answer: &PollAnswer,
    uow: &mut UnitOfWork,
) -> Result<Vec<DeviceId>, StorageError> {
    let missing_before: Option<HashSet<DeviceId>> = match answer.coverage {
        Coverage::AllVehicles => None,
        Coverage::NamedVehicles => {
            let absent = uow.absent_devices(&poll.connection.id).await?;
            Some(absent.into_iter().collect())
        }
    };
    let missing = poll.expected.iter().filter(|device| {
        let may_be_missing = missing_before
            .as_ref()
            .is_none_or(|missing| missing.contains(&device.id));
        may_be_missing && !answer.returned.contains(&device.spec.external_id)
    });
    Ok(missing.map(|device| device.id.clone()).collect())
}
