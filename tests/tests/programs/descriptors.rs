//! An instance that has no file descriptor left for another client.

use std::net::TcpStream;

use crate::dev::Place;

#[tokio::test]
async fn an_instance_without_descriptors_goes_on_when_the_crowd_has_left() {
    let place = Place::new();
    let dev = place.dev();
    let line = format!("ulimit -n 64 && {}", dev.serve_line());
    let (mut crowded, api) = dev.second_instance_by(&place, &line, &[]);
    let address = api.url.trim_start_matches("http://");
    let address = address.split('/').next().expect("an address");

    let crowd: Vec<TcpStream> = (0..100)
        .map(|_| TcpStream::connect(address).expect("a place in the queue"))
        .collect();
    let complained = testkit::eventually("want of descriptors", async || {
        let lines = crowded.stderr();
        lines
            .into_iter()
            .find(|line| line.contains("no connection could be accepted"))
    })
    .await;
    assert!(complained.contains("\"level\":\"WARN\""), "{complained}");
    assert!(crowded.is_running());

    drop(crowd);
    api.is_healthy().await;
    crowded.signal("TERM");
    assert!(crowded.wait_for_exit().success());
    assert!(dev.ctrl_c().success());
}
