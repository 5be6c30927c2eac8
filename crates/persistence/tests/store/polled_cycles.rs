//! The column that says which cycles were polled to their end, and the domain's rule of the same name.

use domain::polling::CycleStatus;
use testkit::{Fixture, a_workspace};

#[tokio::test]
async fn the_column_says_of_every_status_what_the_rule_says() {
    let fixture = Fixture::create().await;
    a_workspace("north").create(&fixture).await;
    for status in CycleStatus::ALL {
        let polled: bool = sqlx::query_scalar(
            "INSERT INTO poll_cycles (workspace_id, cycle_id, trigger, status, due_at, triggered_at)
             VALUES ('north', gen_random_uuid(), 'manual', $1, now(), now()) RETURNING polled",
        )
        .bind(status.as_str())
        .fetch_one(fixture.store().pool())
        .await
        .expect("a cycle");
        assert_eq!(polled, status.is_polled(), "{status}");
    }
}
