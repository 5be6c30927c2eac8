//! Events that somebody has damaged.

use chrono::DateTime;
use persistence::StorageError;
use persistence::history::HistoryStart;
use testkit::{Fixture, a_device, a_workspace, minutes};

#[tokio::test]
async fn an_accepted_update_without_its_version_is_an_error_that_names_the_device() {
    let fixture = Fixture::create().await;
    let depot = a_workspace("north")
        .with(a_device("bus-1").silent_for(minutes(20)))
        .create(&fixture)
        .await;
    let damaged = sqlx::query(
        "UPDATE event_store SET version = NULL WHERE type = 'TelematicsUpdateAccepted'",
    )
    .execute(fixture.store().pool())
    .await
    .expect("an update");
    assert_eq!(damaged.rows_affected(), 1);
    let start = HistoryStart {
        baseline_at: None,
        whole_since: DateTime::UNIX_EPOCH,
    };
    let rebuilt = fixture.store().rebuild(&depot.id, start, drop).await;
    let failure = rebuilt.expect_err("nobody knows where the update belongs");
    assert!(matches!(failure, StorageError::Corrupt { .. }), "{failure}");
    assert!(failure.to_string().contains("bus-1"), "{failure}");
}
