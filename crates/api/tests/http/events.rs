//! What is on record: found by type, device, cycle, trace and time, and followed to the snapshot.

use domain::acceptance::Source;
use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Fleet, a_device, a_report, a_workspace, an_update, hours, minutes, seconds};

use crate::service::{INGEST, NORTH, POLL, SUPPORT, SYSTEM_ADMIN, Service};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

async fn events(service: &Service, query: &str) -> Vec<Value> {
    let path = format!("/workspaces/depot-north/events?limit=1000{query}");
    match service.get(SUPPORT, &path).await.of(200)["events"].take() {
        Value::Array(events) => events,
        other => panic!("events are {other}"),
    }
}

fn types(events: &[Value]) -> Vec<&str> {
    events
        .iter()
        .map(|event| event["type"].as_str().expect("a type"))
        .collect()
}

async fn a_depot() -> (Service, Fleet) {
    let workspace = a_workspace(NORTH).with_all(["bus-1", "bus-2"].map(a_device));
    Service::with(workspace).await
}

/// Pushes a reading of `bus-1` under [`TRACE`].
async fn push(service: &Service, speed: f64) {
    let update = json!({"updates": [{"device_id": "bus-1", "observed_at": service.fixture.clock.now(), "signals": {"speed_kmh": speed}}]});
    let call = service.call(INGEST, &Method::POST, "/workspaces/depot-north/ingest");
    call.header("traceparent", format!("00-{TRACE}-b7ad6b7169203331-01"))
        .json(&update)
        .await
        .of(200);
}

#[tokio::test]
async fn a_reading_is_followed_from_the_call_that_brought_it_to_the_snapshot() {
    let (service, _) = a_depot().await;
    service.fixture.clock.advance(minutes(1));
    push(&service, 31.5).await;
    let of_the_trace = events(&service, &format!("&trace_id={}", TRACE.to_uppercase())).await;
    assert_eq!(types(&of_the_trace), ["TelematicsUpdateAccepted"]);
    let event = &of_the_trace[0];
    assert_eq!(event["workspace_id"], NORTH);
    assert_eq!(event["device_id"], "bus-1");
    assert_eq!(event["trace_id"], TRACE);
    assert_eq!(event["recorded_at"], json!(service.fixture.clock.now()));
    assert_eq!(
        (&event["cycle_id"], &event["changed_by"]),
        (&Value::Null, &Value::Null)
    );
    let snapshot = service
        .get(SUPPORT, "/workspaces/depot-north/snapshots/bus-1")
        .await
        .of(200);
    let held = &snapshot["signals"]["speed_kmh"];
    let moved = event["payload"]["normalized_values"]
        .as_object()
        .expect("readings by their time");
    let (observed_at, values) = moved.iter().next().expect("a reading");
    assert_eq!(values["speed_kmh"], held["value"]);
    assert_eq!(held["observed_at"], json!(observed_at));
    assert_eq!(
        event["recorded_at"], snapshot["last_update_received_at"],
        "the snapshot moved when the event was recorded"
    );
}

/// The words of its payload, however its row keeps them.
#[tokio::test]
async fn an_accepted_update_says_what_it_brought_and_what_it_made() {
    let (service, depot) = a_depot().await;
    let configured = events(&service, "&type=DeviceConfigured&from=2026-11-22T00:00:00Z").await;
    let of_the_device = |event: &&Value| event["device_id"] == "bus-1";
    let activation_id =
        &configured.iter().find(of_the_device).expect("a device")["payload"]["activation_id"];
    assert!(activation_id.is_string());
    let reading = |ago| an_update("bus-1").observed(service.fixture.clock.now() - seconds(ago));
    depot
        .push([
            reading(10).with("speed_kmh", 31.5),
            reading(20).with("range_km", 7).with("heading_deg", 999),
        ])
        .await;
    let payloads: Vec<Value> = events(&service, "&type=TelematicsUpdateAccepted")
        .await
        .into_iter()
        .rev()
        .map(|mut event| event["payload"].take())
        .collect();
    assert_eq!(
        payloads,
        [
            json!({
                "vehicle_id": "bus-1-vehicle", "provider": "sim-main", "activation_id": activation_id, "version": 1,
                "payload_prepared_at": "2026-11-23T08:00:00Z",
                "normalized_values": {"2026-11-23T07:59:50Z": {"speed_kmh": 31.5}},
            }),
            json!({
                "vehicle_id": "bus-1-vehicle", "provider": "sim-main", "activation_id": activation_id, "version": 2,
                "newest_observed_at": "2026-11-23T07:59:50Z", "payload_prepared_at": "2026-11-23T08:00:00Z",
                "normalized_values": {"2026-11-23T07:59:40Z": {"range_km": 7.0}},
                "dropped_signals": [{"signal": "heading_deg", "reason": "out_of_range"}],
            }),
        ]
    );
}

#[tokio::test]
async fn a_cycles_events_are_found_by_its_id_however_long_ago_it_was() {
    let (service, depot) = a_depot().await;
    let slot = service.fixture.clock.now();
    let triggered = service
        .post(POLL, "/poll-cycles", &json!({"workspace_id": NORTH}))
        .await
        .of(202);
    let cycle_id: uuid::Uuid = triggered["cycle_id"]
        .as_str()
        .and_then(|id| id.parse().ok())
        .expect("an id");
    service.fixture.clock.advance(seconds(9));
    let cycle = depot
        .claim(domain::ids::CycleId(cycle_id))
        .await
        .expect("a claim");
    let source = Source::Cycle {
        cycle_id: cycle.cycle_id,
        lease: cycle.lease,
    };
    let reading = [an_update("bus-2").with("speed_kmh", 7).into()];
    depot.accept(&reading, source).await.expect("the lease");
    depot.record_reports(&cycle, [a_report("sim-main")]).await;
    depot.finish(&cycle).await;
    push(&service, 12.0).await;
    service.fixture.clock.advance(hours(30));
    let of_the_cycle = events(&service, &format!("&cycle_id={cycle_id}")).await;
    assert_eq!(
        types(&of_the_cycle),
        [
            "TelematicsUpdateAccepted",
            "WorkspacePollCycleStarted",
            "WorkspacePollCycleTriggered"
        ]
    );
    let [reading, _, triggered] = &of_the_cycle[..] else {
        panic!("three of them")
    };
    assert_eq!(reading["device_id"], "bus-2");
    assert_eq!(triggered["recorded_at"], json!(slot));
    assert_eq!(triggered["changed_by"], "machine:bf-dev");
    assert!(
        events(&service, "").await.is_empty(),
        "a day is read unless asked otherwise"
    );
    let window = format!("&cycle_id={cycle_id}&from=2026-11-24T00:00:00Z");
    assert!(events(&service, &window).await.is_empty(), "as asked");
    let unknown = "&cycle_id=019a0000-0000-7000-8000-000000000000";
    assert!(events(&service, unknown).await.is_empty());
}

#[tokio::test]
async fn filters_leave_out_what_is_not_asked_for() {
    let (service, _) = a_depot().await;
    a_workspace("depot-south")
        .with(a_device("bus-1"))
        .create(&service.fixture)
        .await;
    service.fixture.clock.advance(minutes(1));
    push(&service, 1.0).await;
    service.fixture.clock.advance(minutes(1));
    push(&service, 2.0).await;
    let from_the_start = "&from=2026-11-22T00:00:00Z";
    let all = events(&service, from_the_start).await;
    for (query, expected) in [
        ("&type=TelematicsUpdateAccepted", 2),
        ("&type=DeviceConfigured", 2),
        ("&type=DeviceConfigured&device_id=bus-1", 1),
        ("&type=WorkspacePolicyChanged", 0),
        ("&device_id=bus-1", 3),
        ("&device_id=nobody", 0),
        ("&to=2026-11-23T08:01:00Z", all.len() - 2),
        ("&to=2026-11-23T08:01:00.000001Z", all.len() - 1),
        ("&trace_id=00000000000000000000000000000000", 0),
    ] {
        let listed = events(&service, &format!("{from_the_start}{query}")).await;
        assert_eq!(listed.len(), expected, "{query}: {listed:#?}");
        assert!(listed.iter().all(|event| all.contains(event)), "{query}");
    }
    let later = events(&service, "&from=2026-11-23T09:02:00%2B01:00").await;
    assert_eq!(later.len(), 1);
    assert_eq!(later[0], all[0], "newest first");
    assert!(
        events(
            &service,
            "&from=2026-11-23T08:02:00Z&to=2026-11-23T08:01:00Z"
        )
        .await
        .is_empty()
    );
    let path = "/workspaces/depot-nowhere/events";
    service.get(SUPPORT, path).await.problem(404, "not-found");
}

#[tokio::test]
async fn a_wrong_filter_is_named() {
    let (service, _) = a_depot().await;
    for (query, named) in [
        ("type=SomethingElse", "type"),
        ("type=telematicsupdateaccepted", "type"),
        ("device_id=-", "device_id"),
        ("cycle_id=1", "cycle_id"),
        ("trace_id=0af7651916cd43dd8448eb211c80319", "trace_id"),
        ("trace_id=0af7651916cd43dd8448eb211c80319z", "trace_id"),
        ("from=yesterday", "from"),
        ("to=2026-11-23T08:00:00", "to"),
        ("device=bus-1", "device"),
        ("workspace=depot-north", "workspace"),
        ("limit=0", "limit"),
        ("device_id=bus-1&device_id=bus-1", "device_id"),
        ("cursor=abc", "cursor"),
    ] {
        service
            .get(SUPPORT, &format!("/workspaces/depot-north/events?{query}"))
            .await
            .names(&[named]);
    }
}

#[tokio::test]
async fn what_looks_like_a_credential_is_concealed_here_and_in_the_audit() {
    let (service, _) = a_depot().await;
    let connection = json!({
        "provider_type": "geotab", "base_url": "https://my.geotab.com", "credential_ref": "env:PROVIDER_GEOTAB_NORTH",
        "settings": {"group": "g1", "password": "hunter2", "header": "Bearer aaaabbbbcccc"},
    });
    let path = "/workspaces/depot-north/provider-connections/geo";
    service.put(SYSTEM_ADMIN, path, &connection).await.of(201);
    let configured = events(&service, "&type=ProviderConnectionConfigured").await;
    assert_eq!(
        configured[0]["payload"]["settings"],
        json!({"group": "g1", "password": "[concealed]", "header": "[concealed]"})
    );
    assert_eq!(
        configured[0]["payload"]["credential_ref"],
        "env:PROVIDER_GEOTAB_NORTH"
    );
    let audit = "/audit?type=ProviderConnectionConfigured&limit=1";
    let audit = service.get(SYSTEM_ADMIN, audit).await.text();
    assert!(audit.contains("[concealed]"), "{audit}");
    for secret in ["hunter2", "aaaabbbbcccc"] {
        assert!(!audit.contains(secret), "{audit}");
    }
}

#[tokio::test]
async fn pages_are_whole_while_readings_come_in() {
    let (service, _) = a_depot().await;
    for speed in [1.0, 2.0, 3.0] {
        service.fixture.clock.advance(seconds(30));
        push(&service, speed).await;
    }
    let whole = events(&service, "&from=2026-11-22T00:00:00Z").await;
    for limit in [1, 2, whole.len()] {
        let (mut read, mut cursor) = (Vec::new(), String::new());
        loop {
            let path = format!(
                "/workspaces/depot-north/events?from=2026-11-22T00:00:00Z&limit={limit}{cursor}"
            );
            let page = service.get(SUPPORT, &path).await.of(200);
            read.extend(page["events"].as_array().expect("events").clone());
            service.fixture.clock.advance(seconds(1));
            push(&service, 40.0).await;
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        let known: Vec<&Value> = read.iter().filter(|event| whole.contains(event)).collect();
        assert_eq!(known, whole.iter().collect::<Vec<_>>(), "limit {limit}");
    }
}
