//! What becomes of a batch, item by item.

use domain::fleet::{Cutover, ProviderMode, ProviderType};
use serde_json::{Value, json};
use testkit::{CORE_OWNED, WorkspaceBuilder, a_connection, a_device, a_workspace, minutes};

use crate::service::{INGEST, NORTH, SYSTEM_ADMIN, Service, VIEWER};

const PATH: &str = "/workspaces/depot-north/ingest";

fn depot() -> WorkspaceBuilder {
    a_workspace(NORTH)
        .through(a_connection("sim-main"))
        .through(a_connection("sim-off").disabled())
        .with(a_device("bus-1"))
        .with(a_device("bus-2"))
        .with(a_device("bus-off").through("sim-off"))
}

async fn service() -> Service {
    Service::with(depot()).await.0
}

/// One update that lacks nothing.
fn update(device_id: &str, signals: Value) -> Value {
    let mut update = json!({"device_id": device_id, "observed_at": "2026-11-23T08:00:00Z"});
    update["signals"] = signals;
    update
}

#[tokio::test]
async fn the_contracts_example() {
    let service = service().await;
    let body = json!({"updates": [
        {"device_id": "bus-1", "observed_at": "2026-11-23T08:00:00.000Z", "message_id": "m-1",
         "signals": {"state_of_charge_percent": 71.5, "odometer_km": 88526.4,
                     "position": {"latitude_deg": 52.0934, "longitude_deg": 5.1173}, "speed_kmh": 900}},
        {"provider_id": "sim-main", "external_id": "b2C", "observed_at": "2026-11-23T08:00:03Z", "signals": {"speed_kmh": 0}}]});
    let answer = service.post(INGEST, PATH, &body).await.of(200);
    assert_eq!(
        answer,
        json!({
            "summary": {"received": 2, "accepted": 1, "duplicate": 0, "stale": 0, "rejected": 1},
            "results": [
                {"index": 0, "outcome": "accepted", "reason": null, "device_id": "bus-1", "message_id": "m-1",
                 "ignored_signals": [], "dropped_signals": [{"signal": "speed_kmh", "reason": "out_of_range"}]},
                {"index": 1, "outcome": "rejected", "reason": "unknown_device",
                 "detail": "no active device of connection sim-main has the external id b2C",
                 "device_id": null, "message_id": null, "ignored_signals": [], "dropped_signals": []},
            ],
        })
    );
}

#[tokio::test]
async fn accepted_duplicate_stale_and_partly_ignored() {
    let service = service().await;
    let soc = |at: &str, percent: f64| json!({"device_id": "bus-1", "observed_at": at, "signals": {"state_of_charge_percent": percent}});
    let results = service
        .ingest(json!([
            soc("2026-11-23T08:00:00Z", 70.0),
            soc("2026-11-23T09:00:00+01:00", 70.0),
            soc("2026-11-23T07:59:00Z", 71.0),
            // Of equal times the greater value counts, whichever comes first.
            soc("2026-11-23T08:00:00Z", 69.0),
            soc("2026-11-23T08:00:00Z", 70.5),
            {"device_id": "bus-1", "observed_at": "2026-11-23T07:59:30Z", "signals": {"state_of_charge_percent": 1, "speed_kmh": 30}},
            {"provider_id": "sim-main", "external_id": "bus-1-unit", "observed_at": "2026-11-23T08:00:01Z", "signals": {"speed_kmh": 31}},
        ]))
        .await;
    let outcomes: Vec<&str> = results
        .iter()
        .filter_map(|result| result["outcome"].as_str())
        .collect();
    assert_eq!(
        outcomes,
        [
            "accepted",
            "duplicate",
            "stale",
            "stale",
            "accepted",
            "accepted",
            "accepted"
        ]
    );
    assert_eq!(
        results[5]["ignored_signals"],
        json!(["state_of_charge_percent"])
    );
    assert!(
        results
            .iter()
            .all(|result| result["device_id"] == "bus-1" && result["reason"].is_null())
    );
    let snapshot = service
        .get(VIEWER, "/workspaces/depot-north/snapshots/bus-1")
        .await
        .of(200);
    assert_eq!(snapshot["version"], 4);
    assert_eq!(
        snapshot["signals"]["state_of_charge_percent"]["value"],
        70.5
    );
    assert_eq!(snapshot["signals"]["speed_kmh"]["value"], 31.0);
}

/// Each refusal with the item that earns it; the good item beside it is taken every time.
async fn each_is_rejected(reason: &str, items: Vec<(Value, Option<&str>)>) {
    let (service, fleet) = Service::with(depot().with(a_device("bus-gone"))).await;
    fleet.deactivate("bus-gone").await;
    for (item, pointer) in items {
        let good = update("bus-2", json!({"speed_kmh": 1}));
        let results = service.ingest(json!([item, good])).await;
        let refused = &results[0];
        assert_eq!(refused["index"], 0);
        assert_eq!(refused["outcome"], "rejected", "{item}: {refused}");
        assert_eq!(refused["reason"], reason, "{item}: {refused}");
        let said = refused["detail"].as_str();
        assert!(said.is_some_and(|said| !said.is_empty()), "{refused}");
        let named = refused.get("pointer").and_then(Value::as_str);
        assert_eq!(named, pointer, "{item}: {refused}");
        let outcome = results[1]["outcome"].as_str().unwrap_or_default();
        assert!(
            ["accepted", "duplicate"].contains(&outcome),
            "{}",
            results[1]
        );
    }
}

/// A good update of `bus-1`, but for one member.
fn with(member: &str, value: Value) -> Value {
    let mut item = update("bus-1", json!({"speed_kmh": 1}));
    item[member] = value;
    item
}

fn without(member: &str) -> Value {
    let mut item = update("bus-1", json!({"speed_kmh": 1}));
    item.as_object_mut().expect("an object").remove(member);
    item
}

/// A good update of a unit by what its provider calls it, but for the names.
fn of_unit(names: Value) -> Value {
    let mut item = names;
    item["observed_at"] = json!("2026-11-23T08:00:00Z");
    item["signals"] = json!({"speed_kmh": 1});
    item
}

#[tokio::test]
async fn what_is_not_of_the_shape_is_malformed_at_its_pointer() {
    let items = vec![
        (json!(7), Some("")),
        (json!(null), Some("")),
        (json!([]), Some("")),
        (json!("text"), Some("")),
        (json!({}), Some("/signals")),
        (without("signals"), Some("/signals")),
        (with("signals", json!(null)), Some("/signals")),
        (with("signals", json!([])), Some("/signals")),
        (with("nope", json!(1)), Some("/nope")),
        (with("device_id", json!(7)), Some("/device_id")),
        (with("device_id", json!("-bus")), Some("/device_id")),
        (with("device_id", json!("bus\u{0}")), Some("/device_id")),
        (with("message_id", json!(7)), Some("/message_id")),
        (with("observed_at", json!(5)), Some("/observed_at")),
        (with("provider_id", json!("")), Some("/provider_id")),
        (without("device_id"), Some("/device_id")),
        (
            of_unit(json!({"provider_id": "sim-main"})),
            Some("/external_id"),
        ),
        (of_unit(json!({"external_id": "x"})), Some("/provider_id")),
        (
            of_unit(json!({"provider_id": "sim-main", "external_id": "a\u{0}b"})),
            Some("/external_id"),
        ),
    ];
    each_is_rejected("malformed", items).await;
}

#[tokio::test]
async fn who_is_not_configured_is_not_taken_from() {
    let good = || json!({"speed_kmh": 1});
    for (reason, item) in [
        ("unknown_connection", with("provider_id", json!("nope"))),
        (
            "unknown_connection",
            of_unit(json!({"provider_id": "nope", "external_id": "x"})),
        ),
        ("connection_disabled", update("bus-off", good())),
        ("connection_disabled", with("provider_id", json!("sim-off"))),
        ("identity_conflict", with("external_id", json!("another"))),
        ("unknown_device", update("bus-9", good())),
        (
            "unknown_device",
            of_unit(json!({"provider_id": "sim-main", "external_id": "b2C"})),
        ),
        ("inactive_device", update("bus-gone", good())),
    ] {
        each_is_rejected(reason, vec![(item, None)]).await;
    }
}

#[tokio::test]
async fn a_time_that_is_none_or_cannot_be_is_rejected() {
    let at = |time: &str| (with("observed_at", json!(time)), None);
    let invalid = vec![
        (without("observed_at"), None),
        (with("observed_at", json!(null)), None),
        at(""),
        at("2026-11-23T08:00:00"),
        at("2014-12-31T23:59:59Z"),
        at("0000-01-01T00:00:00Z"),
        at("-262000-01-01T00:00:00Z"),
        at("2026-11-23T08:00:00\u{0}Z"),
    ];
    each_is_rejected("invalid_timestamp", invalid).await;
    let future = vec![at("2026-11-23T08:05:01Z"), at("9999-12-31T23:59:59Z")];
    each_is_rejected("future_timestamp", future).await;
}

#[tokio::test]
async fn an_update_without_one_good_signal_is_rejected() {
    let items = [
        json!({}),
        json!({"speed_kmh": null}),
        json!({"speed_kmh": 900, "nope": 1}),
        json!({"no\u{0}pe": 1}),
    ];
    let items = items.map(|signals| (with("signals", signals), None));
    each_is_rejected("no_valid_signals", items.into()).await;
}

#[tokio::test]
async fn the_edge_of_the_future_is_still_the_present() {
    let service = service().await;
    let at = |device: &str, time: &str| json!({"device_id": device, "observed_at": time, "signals": {"speed_kmh": 1}});
    let results = service
        .ingest(json!([
            at("bus-1", "2026-11-23T08:05:00Z"),
            at("bus-2", "2026-11-23T08:05:00.000001Z")
        ]))
        .await;
    assert_eq!(results[0]["outcome"], "accepted");
    assert_eq!(results[1]["reason"], "future_timestamp");
}

/// What cannot be used of an update is dropped by name; the rest of it lives.
#[tokio::test]
async fn a_signal_that_is_no_good_is_dropped_and_the_others_live() {
    let service = service().await;
    let bad = [
        ("nope", "1", "unknown_signal"),
        ("State_Of_Charge_Percent", "1", "unknown_signal"),
        ("state_of_charge_percent", "\"71.5\"", "wrong_type"),
        ("state_of_charge_percent", "true", "wrong_type"),
        ("state_of_charge_percent", "[]", "wrong_type"),
        ("state_of_charge_percent", "100.1", "out_of_range"),
        ("state_of_charge_percent", "-0.1", "out_of_range"),
        ("state_of_charge_percent", "1e999", "out_of_range"),
        ("state_of_charge_percent", "-1e999", "out_of_range"),
        ("state_of_charge_percent", "255", "not_available"),
        ("ignition_on", "1", "wrong_type"),
        ("charging_state", "\"asleep\"", "wrong_type"),
        ("charging_state", "3", "wrong_type"),
        (
            "position",
            "{\"latitude_deg\":0,\"longitude_deg\":0}",
            "out_of_range",
        ),
        (
            "position",
            "{\"latitude_deg\":91,\"longitude_deg\":5}",
            "out_of_range",
        ),
        ("position", "{\"latitude_deg\":52}", "wrong_type"),
        ("position", "[52,5]", "wrong_type"),
    ];
    for (at, (signal, value, reason)) in bad.iter().enumerate() {
        let body = format!(
            r#"{{"updates":[{{"device_id":"bus-1","observed_at":"2026-11-23T08:00:{at:02}Z","signals":{{"odometer_km":{at},"{signal}":{value}}}}}]}}"#
        );
        let call = service.call(INGEST, &reqwest::Method::POST, PATH);
        let answer = call.said_json(body).await.of(200);
        let result = &answer["results"][0];
        assert_eq!(result["outcome"], "accepted", "{signal} {value}: {result}");
        assert_eq!(
            result["dropped_signals"],
            json!([{"signal": signal, "reason": reason}]),
            "{signal} {value}"
        );
    }
}

/// One bad item never spoils its batch, and a bad name not even its item.
#[tokio::test]
async fn a_signal_whose_name_holds_a_nul_is_dropped_as_unknown() {
    let service = service().await;
    let signals = json!({"n\u{0}": 1, "speed_kmh": 1});
    let results = service
        .ingest(json!([
            update("bus-1", signals),
            update("bus-2", json!({"speed_kmh": 1}))
        ]))
        .await;
    assert_eq!(results[0]["outcome"], "accepted", "{}", results[0]);
    assert_eq!(
        results[0]["dropped_signals"],
        json!([{"signal": "n\u{0}", "reason": "unknown_signal"}])
    );
    assert_eq!(results[1]["outcome"], "accepted");
}

#[tokio::test]
async fn deep_nesting_is_the_items_own_trouble() {
    let service = service().await;
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    for item in [
        format!(
            r#"{{"device_id":"bus-1","observed_at":"2026-11-23T08:00:00Z","signals":{{"nope":{deep}}}}}"#
        ),
        format!(
            r#"{{"device_id":"bus-1","observed_at":"2026-11-23T08:00:00Z","signals":{{"speed_kmh":{deep}}}}}"#
        ),
        format!(r#"{{"device_id":"bus-1","observed_at":"2026-11-23T08:00:00Z","signals":{deep}}}"#),
        format!(r#"{{"device_id":{deep}}}"#),
        deep,
    ] {
        let body = format!(
            r#"{{"updates":[{item},{{"device_id":"bus-2","observed_at":"2026-11-23T08:00:00Z","signals":{{"speed_kmh":1}}}}]}}"#
        );
        let call = service.call(INGEST, &reqwest::Method::POST, PATH);
        let answer = call.said_json(body).await.of(200);
        assert_eq!(
            answer["results"][0]["outcome"], "rejected",
            "{}",
            answer["results"][0]
        );
        assert_ne!(answer["results"][1]["outcome"], "rejected");
    }
}

#[tokio::test]
async fn texts_of_any_kind_come_back_as_they_went() {
    let service = service().await;
    let ids = [
        "",
        " ",
        "a\u{0}b",
        "\u{1f68c}",
        "\"\\/",
        "x".repeat(5_000).as_str(),
    ]
    .map(str::to_owned);
    let updates: Vec<Value> = ids
        .iter()
        .map(|id| {
            let mut item = update("bus-1", json!({"speed_kmh": 1}));
            item["message_id"] = json!(id);
            item
        })
        .collect();
    let results = service.ingest(json!(updates)).await;
    let echoed: Vec<&str> = results
        .iter()
        .filter_map(|result| result["message_id"].as_str())
        .collect();
    assert_eq!(echoed, ids);
    // An item that is refused is known by its message too, where it could be read.
    let mut refused = update("-bus", json!({"speed_kmh": 1}));
    refused["message_id"] = json!("m-7");
    let results = service.ingest(json!([refused])).await;
    assert_eq!(
        (&results[0]["reason"], &results[0]["message_id"]),
        (&json!("malformed"), &json!("m-7"))
    );
}

#[tokio::test]
async fn a_leap_second_is_told_apart_from_no_reading_before_it() {
    let service = service().await;
    let leap = json!([{"device_id": "bus-1", "observed_at": "2016-12-31T23:59:60Z", "signals": {"speed_kmh": 1}}]);
    assert_eq!(service.ingest(leap.clone()).await[0]["outcome"], "accepted");
    assert_eq!(service.ingest(leap).await[0]["outcome"], "duplicate");
}

#[tokio::test]
async fn ten_thousand_updates_are_one_batch() {
    let devices = (0..100).map(|n| a_device(&format!("bus-{n:03}")));
    let (service, _) = Service::with(a_workspace(NORTH).with_all(devices)).await;
    let updates: Vec<Value> = (0..10_000)
        .map(|n| {
            let observed_at = testkit::start() - minutes(100) + testkit::seconds(n / 100);
            json!({"device_id": format!("bus-{:03}", n % 100), "observed_at": observed_at, "signals": {"odometer_km": n}})
        })
        .collect();
    let answer = service
        .post(INGEST, PATH, &json!({"updates": updates}))
        .await
        .of(200);
    assert_eq!(
        answer["summary"],
        json!({"received": 10_000, "accepted": 10_000, "duplicate": 0, "stale": 0, "rejected": 0})
    );
    let results = answer["results"].as_array().expect("results");
    assert!(
        results
            .iter()
            .enumerate()
            .all(|(at, result)| result["index"] == at)
    );
    let snapshot = service
        .get(VIEWER, "/workspaces/depot-north/snapshots/bus-007")
        .await
        .of(200);
    assert_eq!(
        (
            &snapshot["version"],
            &snapshot["signals"]["odometer_km"]["value"]
        ),
        (&json!(100), &json!(9907.0))
    );
}

#[tokio::test]
async fn a_workspace_that_takes_no_updates_refuses_the_whole_batch() {
    let service = service().await;
    let body = json!({"updates": [update("bus-1", json!({"speed_kmh": 1}))]});
    service
        .post(INGEST, "/workspaces/depot-east/ingest", &body)
        .await
        .problem(404, "not-found");
    let inactive = json!({"name": "North", "active": false});
    service
        .put(SYSTEM_ADMIN, "/workspaces/depot-north", &inactive)
        .await
        .of(200);
    service
        .post(INGEST, PATH, &body)
        .await
        .problem(409, "workspace-inactive");
    let snapshot = service
        .get(VIEWER, "/workspaces/depot-north/snapshots/bus-1")
        .await
        .of(200);
    assert_eq!(snapshot["version"], 0);
}

#[tokio::test]
async fn the_provider_mode_decides_whose_updates_are_taken() {
    let flags = Cutover {
        provider_mode: ProviderMode::LegacyProvider,
        ..CORE_OWNED
    };
    let workspace = a_workspace(NORTH)
        .flags(flags)
        .through(a_connection("sim-main"))
        .through(a_connection("geotab-main").of_type(ProviderType::Geotab))
        .with(a_device("bus-1"))
        .with(a_device("bus-2").through("geotab-main"));
    let (service, _) = Service::with(workspace).await;
    let signals = json!({"speed_kmh": 1});
    let results = service
        .ingest(json!([
            update("bus-1", signals.clone()),
            update("bus-2", signals)
        ]))
        .await;
    assert_eq!(results[0]["reason"], "provider_not_allowed");
    assert_eq!(results[1]["outcome"], "accepted");
}

/// While the legacy service polls, pushed updates are still taken.
#[tokio::test]
async fn a_push_needs_no_poll_owner() {
    let flags = Cutover {
        poll_owner: domain::fleet::PollOwner::Legacy,
        ..CORE_OWNED
    };
    let (service, _) = Service::with(a_workspace(NORTH).flags(flags).with(a_device("bus-1"))).await;
    let results = service
        .ingest(json!([update("bus-1", json!({"speed_kmh": 1}))]))
        .await;
    assert_eq!(results[0]["outcome"], "accepted");
}
