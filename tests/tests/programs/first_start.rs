//! The first of the two commands, on a machine that has never seen it.

use std::process::Command;

use crate::dev::{DEPOTS, Place};

#[tokio::test]
async fn the_demo_fleet_is_polled_and_shows_every_state_of_health() {
    let place = Place::new();
    let dev = place.dev();
    dev.api.is_healthy().await;

    let workspaces = dev.api.get("/workspaces").await;
    let names: Vec<&str> = workspaces["workspaces"]
        .as_array()
        .expect("workspaces")
        .iter()
        .filter_map(|workspace| workspace["workspace_id"].as_str())
        .collect();
    assert_eq!(names, DEPOTS);
    for state in [
        "healthy",
        "delayed",
        "stale",
        "configured-no-data",
        "awaiting-first-data",
    ] {
        assert!(dev.api.in_state(state).await >= 1, "nothing is {state}");
    }
    for depot in DEPOTS {
        let health = dev.api.get(&format!("/workspaces/{depot}/health")).await;
        let devices = health["devices"].as_array().expect("devices");
        assert_eq!(devices.len(), 12, "{depot}");
        for device in devices {
            let healthy = device["state"] == "healthy";
            assert_eq!(device["reason"].is_null(), healthy, "{device}");
        }
        let cycles = dev
            .api
            .get(&format!("/workspaces/{depot}/poll-cycles"))
            .await;
        // A cycle goes on for as long as a provider that is down is tried again.
        let connections = &cycles["poll_cycles"][0]["connections"];
        let polled = connections.as_array().expect("connections").iter();
        assert!(
            polled.clone().any(|polled| polled["outcome"] == "ok"),
            "{depot}: {cycles}"
        );
    }
    every_line_to_paste_works(&dev);
    assert_eq!(dev.running.stderr(), Vec::<String>::new());
    assert!(dev.ctrl_c().success());
}

/// Where `curl` is installed, as whoever reads the banner has it.
fn every_line_to_paste_works(dev: &crate::dev::Dev) {
    if Command::new("curl").arg("--version").output().is_err() {
        return;
    }
    let tokens = format!("ADMIN={} MACHINE={}", dev.api.admin, dev.api.machine);
    for line in dev.curl_lines() {
        let pasted = format!("{tokens}; {line} --fail --max-time 10");
        let output = Command::new("sh")
            .args(["-c", &pasted])
            .output()
            .expect("a shell");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success() && said.starts_with('{'),
            "{line}: {said}"
        );
    }
}
