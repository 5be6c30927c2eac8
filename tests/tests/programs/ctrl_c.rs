//! Ctrl-C stops everything; a second start finds what the first one left.

use serde_json::json;

use crate::dev::{Place, UNTIL_STOPPED};

#[tokio::test]
async fn what_was_there_is_there_again() {
    let place = Place::new();
    let dev = place.dev();
    let policy = json!({"poll_interval_minutes": 10, "stale_threshold_minutes": 30, "no_data_grace_minutes": 45});
    dev.api
        .put("/workspaces/demo-west/policy", policy.clone())
        .await;
    let pushed = dev.api.post("/workspaces/demo-west/ingest", json!({"updates": [
        {"device_id": "west-bus-02-obu", "observed_at": "2026-01-01T00:00:00Z", "signals": {"odometer_km": 12345.6}}]})).await;
    assert_eq!(pushed["summary"]["accepted"], 1, "{pushed}");
    let devices = dev.api.get("/workspaces/demo-west/devices").await;

    let stopped = std::time::Instant::now();
    assert_eq!(dev.ctrl_c().code(), Some(0));
    place.loses_its_database_within(UNTIL_STOPPED.saturating_sub(stopped.elapsed()));

    let dev = place.dev();
    let found = dev.api.get("/workspaces/demo-west/policy").await;
    for (name, value) in policy.as_object().expect("an object") {
        assert_eq!(found[name], *value, "{name}");
    }
    let snapshot = dev
        .api
        .get("/workspaces/demo-west/snapshots/west-bus-02-obu")
        .await;
    assert_eq!(snapshot["signals"]["odometer_km"]["value"], 12345.6);
    assert_eq!(dev.api.get("/workspaces/demo-west/devices").await, devices);
    // The old token is as good as a new one: the issuer's key was kept.
    dev.api
        .is_healthy_within(dev.ready_at, std::time::Duration::from_secs(10))
        .await;

    // SIGTERM is the same request, as a supervisor makes it.
    let mut running = dev.running;
    running.signal("TERM");
    assert_eq!(running.ends_within(UNTIL_STOPPED).code(), Some(0));
    place.loses_its_database_within(UNTIL_STOPPED);
}
