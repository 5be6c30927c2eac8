//! A killed process leaves nothing that blocks the next start.

use serde_json::json;

use crate::dev::Place;

#[tokio::test]
async fn a_dev_after_a_killed_one_starts_with_what_that_had_stored_and_polls_again() {
    let place = Place::new();
    let dev = place.dev();
    let policy = json!({"poll_interval_minutes": 10, "stale_threshold_minutes": 30, "no_data_grace_minutes": 45});
    dev.api.put("/workspaces/demo-west/policy", policy).await;
    dev.kill_9();

    let dev = place.dev();
    assert_eq!(
        dev.api.get("/workspaces/demo-west/policy").await["poll_interval_minutes"],
        10
    );
    // It was killed while it polled: its cycles are others' once their leases, of 5 s in `dev`, are over.
    dev.api.is_healthy().await;
    assert!(dev.ctrl_c().success());
}

#[tokio::test]
async fn a_database_that_nobody_uses_any_more_goes_by_itself() {
    let place = Place::new();
    place.dev().kill_9();
    place.loses_its_database();
}
