//! One connection's part of a cycle.

use std::collections::{BTreeMap, HashSet};

use chrono::SecondsFormat;
use clock::Stopwatch;
use domain::acceptance::{Judged, Origin, Source, Verdict};
use domain::fleet::{Connection, Device, WorkspaceRecord};
use domain::ids::DeviceId;
use domain::polling::{
    Circuit, ConnectionOutcome, ConnectionReport, ErrorClass, FeedCursor, PollError,
};
use persistence::StorageError;
use persistence::polling::ClaimedCycle;
use providers::{Answer, Providers};
use telemetry::{metrics, traces};
use tracing::{Instrument, Span};

use super::feed::{FeedStart, missing};
use crate::Core;
use crate::commands::{AcceptError, Batch, count_judged, decide_and_record, keep_rejections};

/// Devices with rejected updates that a report names, at most.
const REJECTED_DEVICES_AT_MOST: usize = 100;

/// Polls a connection and accepts its answer, together with the record of how it fared, in one unit
/// of work under the cycle's lease.
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
    let started_at = core.clock.now();
    let stopwatch = Stopwatch::start();
    let expected = core
        .store
        .devices_of_connection(&cycle.workspace_id, &connection.id)
        .await?;
    let start = FeedStart::of(core, cycle, connection, &expected, started_at).await?;
    let asked = match reason_to_skip(workspace, connection) {
        Some(error) => Err(error),
        None => {
            ask(
                core,
                providers,
                cycle,
                connection,
                &expected,
                start.cursor(),
            )
            .await?
        }
    };
    let answer = match asked {
        Err(error) => Err((ConnectionOutcome::Skipped, error, 0)),
        Ok(answer) => answer
            .result
            .map(|polled| (polled, answer.attempts))
            .map_err(|error| (ConnectionOutcome::Failed, error, answer.attempts)),
    };
    let prepared_at = core.clock.now();
    let _measured = metrics::query("accept_poll");
    let mut writer = core.store.begin_acceptance(&cycle.workspace_id).await?;
    let devices_expected = count(expected.len());
    let mut brought = Vec::new();
    let mut report = match answer {
        Ok((polled, attempts)) => {
            let source = Source::Cycle {
                cycle_id: cycle.cycle_id,
                lease: cycle.lease,
            };
            let origin = Origin {
                envelope_id: None,
                trace_id: cycle.trace_id.as_deref(),
            };
            let items = polled.items.iter().map(|item| (item, origin));
            let batch = Batch::new(&cycle.workspace_id, source, prepared_at, items);
            let span = tracing::error_span!("accept_updates", updates = polled.items.len());
            let judged = decide_and_record(core, &mut writer, batch)
                .instrument(span)
                .await?;
            keep_rejections(core, &mut writer, source, &judged).await?;
            let judged: Vec<Judged> = judged.into_iter().map(|one| one.judged).collect();
            let uow = writer.unit_of_work().await?;
            let missing = missing(uow, connection, &expected, &polled).await?;
            let mut report = report_of(connection, &expected, missing, &judged);
            report.attempts = attempts;
            if let Some(position) = polled.position {
                let (cycle_id, now) = (cycle.cycle_id, core.clock.now());
                start
                    .keep(uow, connection, cycle_id, position, &judged, now)
                    .await?;
            }
            brought = judged;
            report
        }
        Err((outcome, error, attempts)) => {
            if !writer.holds_lease(cycle.cycle_id, cycle.lease).await? {
                return Err(AcceptError::LeaseLost);
            }
            let report = ConnectionReport::without_answer(
                connection.id.clone(),
                outcome,
                error,
                devices_expected,
            );
            ConnectionReport { attempts, ..report }
        }
    };
    report.duration_ms = u32::try_from(stopwatch.elapsed_ms()).unwrap_or(u32::MAX);
    let uow = writer.unit_of_work().await?;
    uow.record_connection(cycle.cycle_id, &report, started_at, core.clock.now())
        .await?;
    writer.commit().await?;
    count_judged(&brought);
    let class = report.error.as_ref().map(|error| error.class.as_str());
    traces::ended(&Span::current(), report.outcome.as_str(), class);
    Ok(report)
}

/// Asks the connection as its circuit allows. One cycle of the workspace runs at a time, and each leaves
/// its record, so there is one probe whatever the number of instances.
async fn ask(
    core: &Core,
    providers: &Providers,
    cycle: &ClaimedCycle,
    connection: &Connection,
    expected: &[Device],
    from: Option<&FeedCursor>,
) -> Result<Result<Answer, PollError>, StorageError> {
    let devices: Vec<_> = expected
        .iter()
        .map(|device| device.spec.external_id.clone())
        .collect();
    let breaker = core.rules.breaker;
    let latest = core
        .store
        .latest_asked(&cycle.workspace_id, &connection.id, breaker.failures)
        .await?;
    Ok(match breaker.judge(&latest, core.clock.now()) {
        Circuit::Closed => Ok(providers.poll(connection, &devices, from).await),
        Circuit::Probing => Ok(providers.probe(connection, &devices, from).await),
        Circuit::Open { until } => Err(PollError {
            class: ErrorClass::CircuitOpen,
            detail: format!(
                "the last {} polls failed; it is asked again at {}",
                breaker.failures,
                until.to_rfc3339_opts(SecondsFormat::Secs, true)
            ),
        }),
    })
}

fn reason_to_skip(workspace: &WorkspaceRecord, connection: &Connection) -> Option<PollError> {
    let mode = workspace.workspace.cutover.provider_mode;
    let skip = |class, detail: String| Some(PollError { class, detail });
    if !connection.enabled {
        skip(ErrorClass::Disabled, "the connection is disabled".into())
    } else if !mode.allows(connection.provider_type) {
        skip(
            ErrorClass::ProviderNotAllowed,
            format!(
                "provider mode {mode} does not admit {}",
                connection.provider_type
            ),
        )
    } else if !Providers::supports(connection.provider_type) {
        skip(
            ErrorClass::NotSupported,
            format!("{} is not polled", connection.provider_type),
        )
    } else {
        None
    }
}

fn report_of(
    connection: &Connection,
    expected: &[Device],
    missing: Vec<DeviceId>,
    judged: &[Judged],
) -> ConnectionReport {
    let mut report = ConnectionReport {
        provider_id: connection.id.clone(),
        outcome: ConnectionOutcome::Ok,
        error: None,
        devices_expected: count(expected.len()),
        returned: count(expected.len() - missing.len()),
        missing,
        unchanged: 0,
        accepted: 0,
        duplicate: 0,
        stale: 0,
        rejected: BTreeMap::new(),
        rejected_devices: BTreeMap::new(),
        attempts: 0,
        duration_ms: 0,
    };
    let mut moved: HashSet<&DeviceId> = HashSet::new();
    for one in judged {
        match &one.verdict {
            Verdict::Accepted { .. } => {
                report.accepted += 1;
                moved.extend(&one.device_id);
            }
            Verdict::Duplicate => report.duplicate += 1,
            Verdict::Stale => report.stale += 1,
            Verdict::Rejected(rejection) => {
                *report
                    .rejected
                    .entry(rejection.reason.as_str().to_owned())
                    .or_default() += 1;
                if let Some(device) = &one.device_id
                    && report.rejected_devices.len() < REJECTED_DEVICES_AT_MOST
                {
                    report
                        .rejected_devices
                        .insert(device.clone(), rejection.reason.as_str().to_owned());
                }
            }
        }
    }
    report
        .rejected_devices
        .retain(|device, _| !moved.contains(device));
    report.unchanged = report.returned.saturating_sub(count(moved.len()));
    report
}

fn count(of: usize) -> u32 {
    u32::try_from(of).unwrap_or(u32::MAX)
}
