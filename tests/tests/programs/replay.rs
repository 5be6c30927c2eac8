//! A recorded drive, replayed into workspace `demo-replay`.

use serde_json::{Value, json};

use crate::dev::{Api, Place};

/// Twelve seconds of a drive. Cells are empty where a unit had nothing new; the last row has no state of
/// charge, and the last position is four rows back.
const DRIVE: &str = "\
time,energy,gps,odo,speed,soc
1511436338000,53.2,52.0934|5.1173,88526.4,0,72.8
1511436339000,,,88526.5,4,
1511436340000,53.3,52.0935|5.1174,88526.6,11.5,72.7
1511436341000,53.4,52.0936|5.1175,,23,72.6
1511436342000,,,88526.9,31,
1511436343000,53.5,52.0938|5.1179,88527,30.5,72.5
1511436344000,53.6,52.0940|5.1183,88527.2,28,
1511436345000,53.7,52.0942|5.1187,88527.3,19,72.4
1511436346000,,,88527.4,12,
1511436347000,53.6,,88527.5,6.5,72.3
1511436348000,,,88527.6,2,
1511436349000,53.8,,,0,
";

/// The last non-empty cell of each column.
fn last_cells() -> Value {
    json!({
        "energy_used_kwh": 53.8,
        "position": {"latitude_deg": 52.0942, "longitude_deg": 5.1187},
        "odometer_km": 88527.6,
        "speed_kmh": 0.0,
        "state_of_charge_percent": 72.3,
    })
}

async fn values(api: &Api) -> Value {
    let snapshot = api.get("/workspaces/demo-replay/snapshots/replay-1").await;
    let signals = snapshot["signals"].as_object().expect("signals");
    signals
        .iter()
        .map(|(name, held)| (name.clone(), held["value"].clone()))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

/// Polls now: nobody waits a minute for the next slot.
async fn poll(api: &Api) {
    let triggered = api
        .post("/poll-cycles", json!({"workspace_id": "demo-replay"}))
        .await;
    let path = format!(
        "/workspaces/demo-replay/poll-cycles/{}",
        triggered["cycle_id"].as_str().expect("an id")
    );
    testkit::eventually("the cycle ends", async || {
        api.get(&path).await["ended_at"].is_string()
    })
    .await;
}

#[tokio::test]
async fn a_replay_ends_with_the_last_reading_of_each_column() {
    let place = Place::new();
    let recording = place.file("drive.csv");
    std::fs::write(&recording, DRIVE).expect("a recording");
    let dev = place.dev_with(&[
        "--speed",
        "4",
        "--replay",
        recording.to_str().expect("a plain path"),
    ]);

    testkit::eventually("the last cell of each column is held", async || {
        poll(&dev.api).await;
        values(&dev.api).await == last_cells()
    })
    .await;
    // There it stays, with the time at which it is said again.
    let path = "/workspaces/demo-replay/health";
    poll(&dev.api).await;
    assert_eq!(values(&dev.api).await, last_cells());
    assert_eq!(dev.api.get(path).await["counts"]["healthy"], 1);
    assert!(dev.ctrl_c().success());
}

#[tokio::test]
async fn a_recording_that_cannot_be_read_is_said_in_one_line() {
    let place = Place::new();
    let recording = place.file("broken.csv");
    for broken in [
        "",
        "soc\n1\n",
        "time,soc\n1511436338000,many\n",
        "time,soc\n",
    ] {
        std::fs::write(&recording, broken).expect("a file");
        let mut refused = crate::running::Running::start(
            place.command("127.0.0.1:0").arg("--replay").arg(&recording),
        );
        assert!(!refused.wait_for_exit().success(), "{broken:?}");
        let complaints = refused.stderr();
        assert!(
            complaints.len() == 1 && complaints[0].contains("broken.csv"),
            "{broken:?}: {complaints:#?}"
        );
    }
}
