//! The line that `dev` prints starts a second instance, which goes on alone.

use std::process::Command;
use std::time::Duration;

use serde_json::json;

use crate::built::program;
use crate::dev::{Api, Place, UNTIL_STOPPED};
use crate::running::Running;

#[tokio::test]
async fn it_answers_the_same_and_goes_on_when_the_first_is_killed() {
    let place = Place::new();
    let dev = place.dev();
    dev.api
        .is_healthy_within(dev.ready_at, Duration::from_secs(10))
        .await;

    // As pasted, but for the building.
    let program = program("bf-manage-core");
    let pasted = dev.serve_line().replace(
        "cargo run --release --",
        &format!("'{}'", program.display()),
    );
    let mut second = Running::start(
        Command::new("sh")
            .args(["-c", &format!("exec env {pasted}")])
            .current_dir(place.data()),
    );
    let said = second.has_said("serves http://", Duration::from_secs(30));
    let address = said
        .iter()
        .find_map(|line| line.split("serves ").nth(1))
        .expect("an address");
    let api = Api {
        url: format!("{address}/api/telematics-mvp"),
        ..dev.api.clone()
    };

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
    assert_eq!(second.ends_within(UNTIL_STOPPED).code(), Some(0));
    dev.api.get("/workspaces").await;
    assert!(dev.ctrl_c().success());
}
