//! What becomes of envelopes, item by item.

use domain::fleet::ProviderType;
use reqwest::Method;
use serde_json::{Value, json};
use testkit::{CORE_OWNED, WorkspaceBuilder, a_connection, a_device, a_workspace, start};

use crate::service::{ADMIN, FORWARD, NORTH, SYSTEM_ADMIN, Service};

const PATH: &str = "/workspaces/depot-north/provider-ingest";

fn depot() -> WorkspaceBuilder {
    a_workspace(NORTH)
        .through(a_connection("sim-main"))
        .through(a_connection("vc").of_type(ProviderType::Viriciti))
        .with(a_device("bus-1"))
        .with(a_device("bus-2"))
}

async fn service() -> Service {
    Service::with(depot()).await.0
}

fn id(number: u32) -> String {
    format!("019ab0c4-6d2f-7c3e-9b1a-{number:012}")
}

/// One envelope that lacks nothing.
fn envelope(number: u32, raw_message: Value) -> Value {
    let mut envelope = json!({
        "envelope_id": id(number), "provider_type": "depot_sim", "provider_id": "sim-main",
        "received_at": "2026-11-23T09:00:01.25+01:00",
    });
    envelope["raw_message"] = raw_message;
    envelope
}

fn reading(number: u32, vehicle: &str, signal: &str, value: i32) -> Value {
    let signal = json!({"name": signal, "value": value, "time": start()});
    envelope(number, json!({"id": vehicle, "signals": [signal]}))
}

async fn forward(service: &Service, envelopes: Vec<Value>) -> Value {
    let body = json!({"envelopes": envelopes});
    service.post(FORWARD, PATH, &body).await.of(200)
}

/// A frame as ViriCiti sends it, as JSON and as the text that it was.
#[tokio::test]
async fn the_contracts_example() {
    let workspace = a_workspace(NORTH)
        .through(a_connection("viriciti-main").of_type(ProviderType::Viriciti))
        .with(
            a_device("bus-1")
                .through("viriciti-main")
                .called("demo_001"),
        );
    let (service, _) = Service::with(workspace).await;
    let time = start().timestamp_millis();
    let frame = |label: &str, value: f64| json!({"type": "vehicles", "payload": {"vid": "demo_001", "label": label, "value": value, "time": time}});
    let envelope = |number, raw_message: Value| {
        json!({"envelope_id": id(number), "provider_type": "viriciti", "provider_id": "viriciti-main",
               "received_at": "2026-11-23T08:00:01.250Z", "raw_message": raw_message})
    };
    let envelopes = vec![
        envelope(1, frame("soc", 72.8)),
        envelope(2, json!(frame("odo", 88_526.413).to_string())),
        envelope(3, json!({"vehicles": {"demo_001": ["soc", "odo"]}})),
    ];
    let answer = forward(&service, envelopes).await;
    assert_eq!(
        answer["summary"],
        json!({"received": 3, "accepted": 2, "duplicate": 0, "stale": 0, "rejected": 0, "ignored": 1, "quarantined": 0})
    );
    assert_eq!(answer["results"][0]["updates"][0]["device_id"], "bus-1");
    let snapshot = "/workspaces/depot-north/snapshots/bus-1";
    let snapshot = service.get(SYSTEM_ADMIN, snapshot).await.of(200);
    let value = |signal: &str| snapshot["signals"][signal]["value"].clone();
    assert_eq!(value("state_of_charge_percent"), 72.8);
    assert_eq!(value("odometer_km"), 88_526.413);
}

#[tokio::test]
async fn each_envelope_has_its_outcome_in_the_order_of_the_batch() {
    let service = service().await;
    let bus_1 = |number, value| reading(number, "bus-1-unit", "speed_kmh", value);
    let answer = forward(
        &service,
        vec![
            bus_1(1, 31),
            bus_1(1, 31),
            bus_1(2, 900),
            envelope(3, json!({"id": "bus-1-unit", "signals": []})),
            envelope(4, json!("garbage")),
            json!({"envelope_id": id(5), "provider_type": "tesla", "provider_id": "sim-main",
                   "received_at": start(), "raw_message": 7}),
            json!(7),
        ],
    )
    .await;
    assert_eq!(
        answer["summary"],
        json!({"received": 7, "accepted": 1, "duplicate": 1, "stale": 0, "rejected": 3, "ignored": 1, "quarantined": 1})
    );
    let update = |outcome: &str, reason: Value| {
        json!({"index": 0, "outcome": outcome, "reason": reason, "device_id": "bus-1", "message_id": null,
               "ignored_signals": [], "dropped_signals": []})
    };
    let mut invalid = update("rejected", json!("no_valid_signals"));
    invalid["detail"] = json!("no signal is valid: speed_kmh");
    invalid["dropped_signals"] = json!([{"signal": "speed_kmh", "reason": "out_of_range"}]);
    let result = |index: usize, number: u32, outcome: &str, reason: Value, updates: Value| json!({"index": index, "envelope_id": id(number), "outcome": outcome, "reason": reason, "updates": updates});
    let mut repeated = result(1, 1, "duplicate", json!(null), json!([]));
    repeated["first_outcome"] = json!("accepted");
    let mut rejected = result(
        2,
        2,
        "rejected",
        json!("no_valid_signals"),
        json!([invalid]),
    );
    rejected["detail"] = json!("no signal is valid: speed_kmh");
    let mut unclear = result(4, 4, "quarantined", json!("not_json"), json!([]));
    unclear["detail"] = answer["results"][4]["detail"].clone();
    let mut malformed = result(5, 5, "rejected", json!("malformed"), json!([]));
    malformed["detail"] = json!("must be a provider type");
    malformed["pointer"] = json!("/provider_type");
    let no_object = json!({"index": 6, "envelope_id": null, "outcome": "rejected", "reason": "malformed",
                           "detail": "must be a JSON object", "pointer": "", "updates": []});
    assert_eq!(
        answer["results"],
        json!([
            result(
                0,
                1,
                "accepted",
                json!(null),
                json!([update("accepted", json!(null))])
            ),
            repeated,
            rejected,
            result(3, 3, "ignored", json!("no_signals"), json!([])),
            unclear,
            malformed,
            no_object,
        ])
    );
    assert!(unclear["detail"].is_string());
    let snapshot = "/workspaces/depot-north/snapshots/bus-1";
    let snapshot = service.get(SYSTEM_ADMIN, snapshot).await.of(200);
    assert_eq!(snapshot["signals"]["speed_kmh"]["value"], 31.0);
}

/// What was not of the shape was not taken in: mended, it is sent under the same id.
#[tokio::test]
async fn a_malformed_envelope_does_not_use_up_its_id() {
    let service = service().await;
    let mut wrong = reading(1, "bus-1-unit", "speed_kmh", 31);
    wrong["received_at"] = json!("yesterday");
    let answer = forward(&service, vec![wrong]).await;
    assert_eq!(answer["results"][0]["pointer"], "/received_at");
    let mended = reading(1, "bus-1-unit", "speed_kmh", 31);
    let answer = forward(&service, vec![mended]).await;
    assert_eq!(answer["results"][0]["outcome"], "accepted");
}

#[tokio::test]
async fn a_connection_that_may_not_speak_is_told_in_the_envelope_and_in_its_updates() {
    let service = service().await;
    let mut mismatch = reading(1, "bus-1-unit", "speed_kmh", 31);
    mismatch["provider_id"] = json!("vc");
    let answer = forward(&service, vec![mismatch]).await;
    let result = &answer["results"][0];
    assert_eq!(result["reason"], "provider_type_mismatch");
    assert_eq!(result["updates"][0]["reason"], "provider_type_mismatch");
    assert_eq!(answer["summary"]["rejected"], 1);
}

#[tokio::test]
async fn a_workspace_that_is_not_there_is_404_and_an_inactive_one_409() {
    let service = service().await;
    let body = json!({"envelopes": [reading(1, "bus-1-unit", "speed_kmh", 31)]});
    let nowhere = "/workspaces/depot-nowhere/provider-ingest";
    service
        .post(FORWARD, nowhere, &body)
        .await
        .problem(404, "not-found");
    let inactive = json!({"name": "North", "active": false, "cutover": CORE_OWNED});
    service
        .put(SYSTEM_ADMIN, "/workspaces/depot-north", &inactive)
        .await
        .of(200);
    service
        .post(FORWARD, PATH, &body)
        .await
        .problem(409, "workspace-inactive");
}

#[tokio::test]
async fn one_envelope_too_many_is_413_and_none_is_taken_in() {
    let service = service().await;
    let body = json!({"envelopes": vec![reading(1, "bus-1-unit", "speed_kmh", 31); 1_001]});
    service
        .post(FORWARD, PATH, &body)
        .await
        .problem(413, "payload-too-large");
    let body = json!({"envelopes": vec![reading(1, "bus-1-unit", "speed_kmh", 31); 1_000]});
    let answer = service.post(FORWARD, PATH, &body).await.of(200);
    assert_eq!(answer["summary"]["accepted"], 1, "it was not there before");
    assert_eq!(answer["summary"]["duplicate"], 999);
}

/// As long as the body may be.
#[tokio::test]
async fn a_message_of_eight_mebibytes_is_kept_whole() {
    let service = service().await;
    let body =
        |length: usize| json!({"envelopes": [envelope(1, json!("x".repeat(length)))]}).to_string();
    let length = 8 * 1024 * 1024 - body(0).len();
    let send = async |length| {
        let call = service.call(FORWARD, &Method::POST, PATH);
        call.said_json(body(length)).await
    };
    send(length + 1).await.problem(413, "payload-too-large");
    let answer = send(length).await.of(200);
    assert_eq!(answer["summary"]["quarantined"], 1);
    let list = "/workspaces/depot-north/quarantined";
    let listed = service.get(SYSTEM_ADMIN, list).await.of(200);
    let kept = &listed["quarantined"][0];
    assert_eq!(kept["raw_message_bytes"], length + 2);
    assert_eq!(kept["raw_message"].as_str().map(str::len), Some(2_000));
}

/// From the provider's message to the event of its update.
#[tokio::test]
async fn an_envelope_stays_in_its_trace_and_without_one_is_in_its_requests() {
    let service = service().await;
    let of_message = "0af7651916cd43dd8448eb211c80319c";
    let of_request = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    let mut traced = reading(1, "bus-1-unit", "speed_kmh", 31);
    traced["traceparent"] = json!(format!("00-{of_message}-b7ad6b7169203331-01"));
    let mut garbled = reading(2, "bus-1-unit", "odometer_km", 31);
    garbled["traceparent"] = json!("00-garbled");
    let body = json!({"envelopes": [traced, garbled, reading(3, "bus-2-unit", "speed_kmh", 1)]});
    let call = service.call(FORWARD, &Method::POST, PATH);
    let call = call.header(
        "traceparent",
        format!("00-{of_request}-b7ad6b7169203331-01"),
    );
    assert_eq!(call.json(&body).await.of(200)["summary"]["accepted"], 3);
    let found: Vec<String> = sqlx::query_scalar(
        "SELECT trace_id FROM event_store WHERE type = 'TelematicsUpdateAccepted' ORDER BY event_id",
    )
    .fetch_all(service.fixture.store().pool())
    .await
    .expect("events");
    assert_eq!(found, [of_message, of_request, of_request]);
    let kept: Vec<String> =
        sqlx::query_scalar("SELECT trace_id FROM provider_envelopes ORDER BY envelope_id")
            .fetch_all(service.fixture.store().pool())
            .await
            .expect("envelopes");
    assert_eq!(kept, found, "a replay finds it there");
}

#[tokio::test]
async fn what_streams_brought_is_in_the_next_cycle() {
    let (service, fleet) = Service::with(depot()).await;
    let path = "/workspaces/depot-north/poll-cycles";
    forward(
        &service,
        vec![
            reading(1, "bus-1-unit", "speed_kmh", 31),
            envelope(2, json!("garbage")),
        ],
    )
    .await;
    let cycle_id = fleet.polled([]).await;
    let cycle = service.get(ADMIN, &format!("{path}/{cycle_id}")).await;
    assert_eq!(
        cycle.of(200)["streams"],
        json!([
            {"provider_id": "sim-main", "envelopes": 2, "accepted": 1, "quarantined": 1, "last_received_at": "2026-11-23T08:00:01.250Z"},
            {"provider_id": "vc", "envelopes": 0, "accepted": 0, "quarantined": 0, "last_received_at": null},
        ])
    );
}
