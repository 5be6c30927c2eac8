//! Both instances of one machine tell what they do, each at the address that it prints.

use serde_json::json;

use crate::dev::Place;
use crate::running::Running;

async fn scraped(url: &str) -> String {
    let answer = reqwest::get(url).await.expect("an answer");
    let kind = answer.headers()["content-type"].clone();
    assert_eq!(kind, "text/plain; version=0.0.4; charset=utf-8");
    answer.text().await.expect("a whole page")
}

async fn tells(url: &str, begins: &str) -> String {
    testkit::eventually(begins, async || {
        let page = scraped(url).await;
        let line = page.lines().find(|line| line.starts_with(begins));
        line.map(str::to_owned)
    })
    .await
}

#[tokio::test]
async fn each_instance_has_metrics_of_its_own() {
    let place = Place::new();
    let dev = place.dev();
    let (mut second, api) = dev.second_instance(&place);
    let of_second = second.stdout().iter().find_map(|line| {
        let (_, url) = line.split_once("metrics at ")?;
        Some(url.to_owned())
    });
    let (of_dev, of_second) = (
        dev.said("metrics").expect("an address").to_owned(),
        of_second.expect("an address"),
    );

    dev.api.is_healthy().await;
    api.get("/workspaces/demo-north/health").await;
    let update = json!({"updates": [{"device_id": "nope", "observed_at": "2026-01-01T00:00:00Z", "signals": {}}]});
    api.post("/workspaces/demo-north/ingest", update).await;
    let health = r#"{http_request_method="GET",http_route="/api/telematics-mvp/workspaces/{workspace_id}/health",http_response_status_code="200"}"#;
    for url in [&of_dev, &of_second] {
        let build = tells(url, "telematics_build_info{version=").await;
        assert!(build.ends_with(" 1"), "{build}");
        tells(
            url,
            &format!("http_server_request_duration_seconds_count{health} "),
        )
        .await;
        tells(url, r#"telematics_query_duration_seconds_bucket{query="health",devices="up_to_100",le="0.2"}"#).await;
        tells(url, "http_server_open_connections ").await;
        tells(url, "db_client_connection_max 10").await;
        tells(url, r#"db_client_connection_count{state="idle"}"#).await;
    }
    // `dev` polled its fleet; the refused update is the other's alone.
    tells(&of_dev, r#"telematics_cycles_total{outcome="completed"}"#).await;
    tells(
        &of_dev,
        r#"telematics_updates_total{outcome="accepted",reason=""}"#,
    )
    .await;
    let refused = r#"telematics_updates_total{outcome="rejected",reason="unknown_device"}"#;
    assert_eq!(tells(&of_second, refused).await, format!("{refused} 1"));
    assert!(!scraped(&of_dev).await.contains(refused));

    second.signal("TERM");
    assert!(second.wait_for_exit().success());
    assert!(dev.ctrl_c().success());
}

#[tokio::test]
async fn an_instance_without_a_metrics_address_serves_no_metrics() {
    let place = Place::new();
    let dev = place.dev_in([("METRICS_LISTEN", "")]);
    assert_eq!(dev.said("metrics"), None);
    assert!(dev.ctrl_c().success());
}

#[test]
fn a_busy_metrics_port_is_refused_in_one_line() {
    let place = Place::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let mut refused = Running::start_with(
        &mut place.command("127.0.0.1:0"),
        [("METRICS_LISTEN", address.as_str())],
    );
    assert!(!refused.wait_for_exit().success());
    let complaints = refused.stderr();
    let [line] = &complaints[..] else {
        panic!("one line: {complaints:#?}");
    };
    assert!(
        line.contains(&format!(
            "cannot listen on {address}, which is METRICS_LISTEN"
        )),
        "{line}"
    );
}
