//! What is in use already is said in one clear line.

use std::process::Command;

use crate::dev::Place;
use crate::running::Running;

/// Starts a program that refuses, and returns the one line with which it does.
fn refusal(command: &mut Command) -> String {
    let mut refused = Running::start(command);
    let status = refused.wait_for_exit();
    assert!(!status.success());
    let complaints = refused.stderr();
    assert_eq!(complaints.len(), 1, "{complaints:#?}");
    complaints.into_iter().next().unwrap_or_default()
}

#[tokio::test]
async fn a_second_dev_and_a_busy_port_are_one_line_each() {
    let place = Place::new();
    let mut dev = place.dev();

    let line = refusal(&mut place.command("127.0.0.1:0"));
    let data = place.data();
    assert!(
        line.contains("another dev uses") && line.contains(data.to_str().expect("a plain path")),
        "{line}"
    );

    let address = dev
        .api
        .url
        .trim_start_matches("http://")
        .split('/')
        .next()
        .expect("an address")
        .to_owned();
    let elsewhere = Place::new();
    let line = refusal(&mut elsewhere.command(&address));
    assert!(
        line.contains(&address) && line.to_lowercase().contains("in use"),
        "{line}"
    );

    for nonsense in ["nonsense", "127.0.0.1:99999"] {
        let line = refusal(&mut elsewhere.command(nonsense));
        assert!(line.contains(nonsense), "{line}");
    }
    let line = refusal(
        elsewhere
            .command("127.0.0.1:0")
            .args(["--replay", "no-such-file.csv"]),
    );
    assert!(line.contains("no-such-file.csv"), "{line}");

    assert!(dev.running.is_running(), "the first one is unharmed");
    dev.api.get("/workspaces").await;
    assert!(dev.ctrl_c().success());
}
