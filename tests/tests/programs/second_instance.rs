//! The line that `dev` prints starts a second instance, which goes on alone.

use serde_json::json;

use crate::dev::Place;

#[tokio::test]
async fn a_second_instance_answers_the_same_and_goes_on_when_the_first_is_killed() {
    let place = Place::new();
    let dev = place.dev();
    dev.api.is_healthy().await;

    let (mut second, api) = dev.second_instance(&place);

    let path = "/workspaces/demo-north/snapshots/north-bus-01-obu";
    let (mut here, mut there) = (dev.api.get(path).await, api.get(path).await);
    for snapshot in [&mut here, &mut there] {
        for signal in snapshot["signals"]
            .as_object_mut()
            .expect("signals")
            .values_mut()
        {
            signal["age_seconds"].take();
        }
    }
    assert_eq!(here, there);
    let ids = |list: &serde_json::Value| list["devices"].clone();
    let path = "/workspaces/demo-north/devices";
    assert_eq!(ids(&dev.api.get(path).await), ids(&api.get(path).await));

    dev.kill_9();
    let update = json!({"updates": [{"device_id": "north-bus-02-obu", "observed_at": "2026-01-01T00:00:00Z", "signals": {"odometer_km": 12345.6}}]});
    assert_eq!(
        api.post("/workspaces/demo-north/ingest", update).await["summary"]["accepted"],
        1
    );
    assert!(api.in_state("healthy").await >= 40);

    // The next `dev` on the same data joins the database that the second instance keeps up.
    let dev = place.dev();
    let snapshot = dev
        .api
        .get("/workspaces/demo-north/snapshots/north-bus-02-obu")
        .await;
    assert_eq!(snapshot["signals"]["odometer_km"]["value"], 12345.6);

    second.signal("TERM");
    assert_eq!(second.wait_for_exit().code(), Some(0));
    dev.api.get("/workspaces").await;
    assert!(dev.ctrl_c().success());
}
