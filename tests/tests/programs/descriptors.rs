//! An instance that has no file descriptor left for another client.

use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::built::program;
use crate::dev::{Api, Place, UNTIL_STOPPED};
use crate::running::Running;

#[tokio::test]
async fn it_goes_on_when_the_others_have_left() {
    let place = Place::new();
    let dev = place.dev();
    let program = program("bf-manage-core");
    let pasted = dev.serve_line().replace(
        "cargo run --release --",
        &format!("'{}'", program.display()),
    );
    let mut shell = Command::new("sh");
    shell
        .args(["-c", &format!("ulimit -n 64 && exec env {pasted}")])
        .current_dir(place.data());
    let mut crowded = Running::start(&mut shell);
    let said = crowded.has_said("serves http://", Duration::from_secs(30));
    let url = said.iter().find_map(|line| line.split("serves ").nth(1));
    let url = url.expect("an address");
    let address = url.trim_start_matches("http://");

    let crowd: Vec<TcpStream> = (0..100)
        .map(|_| TcpStream::connect(address).expect("a place in the queue"))
        .collect();
    let complained = testkit::eventually("want of descriptors", async || {
        let lines = crowded.complaints();
        lines
            .into_iter()
            .find(|line| line.contains("no connection could be accepted"))
    })
    .await;
    assert!(complained.contains("\"level\":\"WARN\""), "{complained}");
    assert!(crowded.is_running());

    drop(crowd);
    let api = Api {
        url: format!("{url}/api/telematics-mvp"),
        ..dev.api.clone()
    };
    let since = Instant::now();
    api.is_healthy_within(since, Duration::from_secs(15)).await;
    crowded.signal("TERM");
    assert!(crowded.ends_within(UNTIL_STOPPED).success());
    assert!(dev.ctrl_c().success());
}
