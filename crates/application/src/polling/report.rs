//! The record of how a connection fared in a cycle.

use std::collections::{BTreeMap, HashSet};

use domain::acceptance::{Judged, Verdict};
use domain::ids::DeviceId;
use domain::polling::{ConnectionOutcome, ConnectionReport};
use providers::PollResult;

use super::poll_connection::ConnectionPoll;

/// How many devices with rejected updates a report names.
const MAX_REJECTED_DEVICES: usize = 100;

/// Reports an answer that went through acceptance, or the part of one that came before its provider failed.
pub(super) fn report_answer(
    poll: &ConnectionPoll<'_>,
    result: &PollResult,
    missing: Vec<DeviceId>,
    judged: &[Judged],
) -> ConnectionReport {
    let (outcome, returned) = if result.failure.is_none() {
        (ConnectionOutcome::Ok, poll.expected.len() - missing.len())
    } else {
        // A part of an answer vouches for those alone whom it names.
        let named = poll.expected.iter().filter(|device| {
            let returned = &result.answer.returned;
            returned.contains(&device.spec.external_id)
        });
        (ConnectionOutcome::Partial, named.count())
    };
    let mut report = ConnectionReport {
        provider_id: poll.connection.id.clone(),
        outcome,
        error: result.failure.clone(),
        devices_expected: count(poll.expected.len()),
        returned: count(returned),
        missing,
        unchanged: 0,
        accepted: 0,
        duplicate: 0,
        stale: 0,
        rejected: BTreeMap::new(),
        rejected_devices: BTreeMap::new(),
        attempts: result.attempts,
        duration_ms: 0,
    };
    count_verdicts(&mut report, judged);
    report
}

/// Counts verdicts in a report, and the returned devices that brought nothing new.
fn count_verdicts(report: &mut ConnectionReport, judged: &[Judged]) {
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
                let reason = rejection.reason.as_str();
                *report.rejected.entry(reason.to_owned()).or_default() += 1;
                if let Some(device) = &one.device_id
                    && report.rejected_devices.len() < MAX_REJECTED_DEVICES
                {
                    report
                        .rejected_devices
                        .insert(device.clone(), reason.to_owned());
                }
            }
        }
    }
    report
        .rejected_devices
        .retain(|device, _| !moved.contains(device));
    report.unchanged = report.returned.saturating_sub(count(moved.len()));
}

/// Converts a number of devices to a report's type.
pub(super) fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
