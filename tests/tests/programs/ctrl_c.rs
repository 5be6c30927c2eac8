//! Ctrl-C stops everything; a second start finds what the first one left.

use serde_json::json;

use crate::dev::Place;

#[tokio::test]
async fn a_restarted_dev_has_all_that_the_stopped_one_had() {
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

    assert_eq!(dev.ctrl_c().code(), Some(0));
    place.loses_its_database();

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
    dev.api.is_healthy().await;

    // SIGTERM is the same request, as a supervisor makes it.
    let mut running = dev.running;
    running.signal("TERM");
    assert_eq!(running.wait_for_exit().code(), Some(0));
    place.loses_its_database();
}
