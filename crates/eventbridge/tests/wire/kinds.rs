//! What each error means to whoever keeps schedules in line, by its kind.

use domain::ids::WorkspaceId;
use domain::polling::{PollInterval, Schedule};
use domain::schedules::WorkspaceSchedule;
use eventbridge::EventBridge;
use scheduling::{ScheduleCheck, Scheduler, SchedulerError};
use uuid::Uuid;

use crate::endpoint::{Endpoint, THROTTLING, Wrong};

const CONFLICT: Wrong = Wrong::Kind(
    409,
    "ConflictException",
    "Schedule tm-poll-north already exists.",
);
const NOT_FOUND: Wrong = Wrong::Kind(
    404,
    "ResourceNotFoundException",
    "Schedule group g does not exist.",
);
const VALIDATION: Wrong = Wrong::Kind(
    400,
    "ValidationException",
    "Invalid ScheduleExpression cron(x).",
);
const QUOTA: Wrong = Wrong::Kind(402, "ServiceQuotaExceededException", "Too many schedules.");
const INTERNAL: Wrong = Wrong::Kind(500, "InternalServerException", "Unexpected.");
const DENIED: Wrong = Wrong::Kind(
    403,
    "AccessDeniedException",
    "not authorized to perform scheduler:CreateSchedule",
);

fn schedule() -> WorkspaceSchedule {
    let id = WorkspaceId::try_new("north").expect("an id");
    WorkspaceSchedule::of(&id, Schedule::new(PollInterval::DEFAULT, 1))
}

/// How it ended: well, or as which kind of failure, with its words.
fn end<T>(outcome: Result<T, SchedulerError>) -> String {
    match outcome {
        Ok(_) => "well".to_owned(),
        Err(SchedulerError::Throttled(_)) => "throttled".to_owned(),
        Err(SchedulerError::Unavailable(_)) => "unavailable".to_owned(),
        Err(SchedulerError::Refused { detail, .. }) => format!("refused: {detail}"),
    }
}

async fn put(adapter: &EventBridge) -> String {
    end(Scheduler::put(adapter, &schedule(), Uuid::from_u128(1)).await)
}

#[tokio::test]
async fn a_put_schedule_ends_as_the_endpoint_answers() {
    let endpoint = Endpoint::default();
    let adapter = endpoint.adapter().await;
    for (wrong, expected, requests) in [
        (&[][..], "well", &["POST"][..]),
        (&[CONFLICT], "well", &["POST", "PUT"]),
        // Removed between the two: whoever keeps it in line comes again.
        (&[CONFLICT, NOT_FOUND], "unavailable", &["POST", "PUT"]),
        (
            &[CONFLICT, VALIDATION],
            "refused: ValidationException: Invalid ScheduleExpression cron(x).",
            &["POST", "PUT"],
        ),
        (
            &[CONFLICT, THROTTLING, THROTTLING, THROTTLING],
            "throttled",
            &["POST", "PUT", "PUT", "PUT"],
        ),
        (
            &[NOT_FOUND],
            "refused: ResourceNotFoundException: Schedule group g does not exist.",
            &["POST"],
        ),
        (
            &[VALIDATION],
            "refused: ValidationException: Invalid ScheduleExpression cron(x).",
            &["POST"],
        ),
        (
            &[DENIED],
            "refused: AccessDeniedException: not authorized to perform scheduler:CreateSchedule",
            &["POST"],
        ),
        (&[QUOTA], "throttled", &["POST"]),
        // The client itself tries three times.
        (&[THROTTLING], "well", &["POST", "POST"]),
        (
            &[THROTTLING, THROTTLING, THROTTLING],
            "throttled",
            &["POST", "POST", "POST"],
        ),
        (
            &[INTERNAL, INTERNAL, INTERNAL],
            "unavailable",
            &["POST", "POST", "POST"],
        ),
        (
            &[Wrong::Bare(503), Wrong::Bare(503)],
            "well",
            &["POST", "POST", "POST"],
        ),
        (
            &[Wrong::Bare(503), Wrong::Bare(502), Wrong::Page(502)],
            "unavailable",
            &["POST", "POST", "POST"],
        ),
    ] {
        endpoint.is_well();
        endpoint.answers(wrong.iter().copied());
        assert_eq!(put(&adapter).await, expected, "{wrong:?}");
        assert_eq!(endpoint.requests(), requests, "{wrong:?}");
    }
}

#[tokio::test]
async fn a_removal_a_comparison_and_a_list_end_as_the_endpoint_answers() {
    let endpoint = Endpoint::default();
    let adapter = endpoint.adapter().await;
    let schedule = schedule();
    let remove =
        async || end(Scheduler::remove(&adapter, &schedule.name, Uuid::from_u128(1)).await);
    assert_eq!(remove().await, "well");
    endpoint.answers([NOT_FOUND]);
    assert_eq!(remove().await, "well", "it is gone");
    // Somebody changes it right now.
    endpoint.answers([CONFLICT]);
    assert_eq!(remove().await, "throttled");

    endpoint.answers([NOT_FOUND]);
    let standing = Scheduler::compare(&adapter, &schedule).await;
    assert_eq!(standing.expect("a standing"), ScheduleCheck::Missing);
    endpoint.answers([INTERNAL, INTERNAL, INTERNAL]);
    assert_eq!(
        end(Scheduler::compare(&adapter, &schedule).await),
        "unavailable"
    );

    endpoint.answers([NOT_FOUND]);
    let listed = end(adapter.names().await);
    assert!(
        listed.starts_with("refused: ResourceNotFoundException"),
        "{listed}"
    );
    endpoint.answers([THROTTLING, THROTTLING, THROTTLING]);
    assert_eq!(end(adapter.names().await), "throttled");
    assert_eq!(end(adapter.names().await), "well");
}

#[tokio::test]
async fn an_adapter_without_an_endpoint_says_unavailable() {
    let adapter = Endpoint::nowhere().await;
    assert_eq!(put(&adapter).await, "unavailable");
}
