//! A killed process leaves nothing that blocks the next start.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::dev::Place;

#[tokio::test]
async fn after_kill_9_the_next_start_works_at_once() {
    let place = Place::new();
    let dev = place.dev();
    let policy = json!({"poll_interval_minutes": 10, "stale_threshold_minutes": 30, "no_data_grace_minutes": 45});
    dev.api.put("/workspaces/demo-west/policy", policy).await;
    dev.kill_9();

    let since = Instant::now();
    let dev = place.dev();
    assert!(
        since.elapsed() < Duration::from_secs(20),
        "it took {:?}",
        since.elapsed()
    );
    assert_eq!(
        dev.api.get("/workspaces/demo-west/policy").await["poll_interval_minutes"],
        10
    );
    // It was killed while it polled: its cycles are others' once their leases, of 5 s in `dev`, are over.
    dev.api
        .is_healthy_within(dev.ready_at, Duration::from_secs(5 + 15))
        .await;
    assert!(dev.ctrl_c().success());
}

#[tokio::test]
async fn a_database_that_nobody_uses_any_more_goes_by_itself() {
    let place = Place::new();
    place.dev().kill_9();
    // Lingering is 10 s; a stop on a busy machine takes its time.
    place.loses_its_database_within(Duration::from_secs(30));
}
