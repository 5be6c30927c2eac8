//! Signals, texts and nesting inside an update: what is no good is dropped, and the rest lives.

use serde_json::{Value, json};

use crate::ingest::{PATH, service, update};
use crate::service::INGEST;

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
