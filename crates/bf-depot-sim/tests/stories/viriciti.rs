//! The same vehicles as ViriCiti shows them.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use bf_depot_sim::viriciti::frames;
use bf_depot_sim::{Account, Behaviour, Fault, SignalName};
use serde_json::{Value, json};

use crate::stage::{Answer, Stage, reading, start, time_of};

const STATE: &str = "/accounts/depot/api/v2/state";

async fn ask(stage: &Stage, path: &str, key: Option<&str>, body: &str) -> Answer {
    let mut request = Request::post(path);
    if let Some(key) = key {
        request = request.header("x-api-key", key);
    }
    let body = Body::from(body.to_owned());
    stage.send(request.body(body).expect("a request")).await
}

async fn state(stage: &Stage, asked: &Value) -> Value {
    let answer = ask(stage, STATE, Some("depot-key"), &asked.to_string()).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    answer.json()
}

#[tokio::test]
async fn the_state_has_what_the_native_protocol_has_in_other_words() {
    let stage = Stage::with(Account::fleet("depot", 3));
    let native = stage.poll("depot", "").await.json();
    let native = &native["vehicles"][1];
    let value = |signal| reading(native, signal).expect("a reading")["value"].clone();
    let number = |signal| value(signal).as_f64().expect("a number");
    let time = time_of(native, "speed_kmh").timestamp_millis();
    let position = value("position");
    let gps = format!("{}|{}", position["latitude_deg"], position["longitude_deg"]);

    let asked = json!({"vehicle-002": ["soc", "odo", "gps", "speed", "power", "range", "voltage"], "vehicle-009": ["soc"]});
    let last = |value: Value| json!({"value": value, "time": time});
    assert_eq!(
        state(&stage, &asked).await,
        json!({"vehicle-002": {
            "soc": last(value("state_of_charge_percent")),
            "odo": last(value("odometer_km")),
            "gps": last(gps.into()),
            "speed": last(value("speed_kmh")),
            "power": last((0.0 - number("battery_power_kw")).into()),
            "range": last(value("range_km")),
            "voltage": null,
        }})
    );
}

#[tokio::test]
async fn a_vehicles_oddities_show_here_too() {
    let account = Account::new("depot")
        .with_vehicle("omitted", Behaviour::Omitted)
        .with_vehicle(
            "without-soc",
            Behaviour::WithoutSignals {
                signals: vec![SignalName::StateOfChargePercent],
            },
        );
    let asked = json!({"omitted": ["soc"], "without-soc": ["soc"]});
    assert_eq!(
        state(&Stage::with(account), &asked).await,
        json!({"without-soc": {"soc": null}})
    );
}

#[tokio::test]
async fn the_key_comes_in_a_header_or_in_the_address() {
    let stage = Stage::with(Account::fleet("depot", 1).with_key("s3cret"));
    let in_query = format!("{STATE}?apiKey=s3cret");
    for (path, key, status) in [
        (STATE, Some("s3cret"), StatusCode::OK),
        (&in_query, None, StatusCode::OK),
        (&in_query, Some("wrong"), StatusCode::UNAUTHORIZED),
        (STATE, Some("wrong"), StatusCode::UNAUTHORIZED),
        (STATE, None, StatusCode::UNAUTHORIZED),
        (
            "/accounts/elsewhere/api/v2/state",
            Some("s3cret"),
            StatusCode::NOT_FOUND,
        ),
    ] {
        let answer = ask(&stage, path, key, "{}").await;
        assert_eq!(answer.status, status, "{path} {key:?}");
    }
}

#[tokio::test]
async fn what_is_no_question_is_refused_after_the_fault_and_the_key() {
    let stage = Stage::with(Account::fleet("depot", 1));
    for body in ["", "[]", r#"{"vehicle-001":"soc"}"#] {
        let answer = ask(&stage, STATE, Some("depot-key"), body).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{body}");
        let answer = ask(&stage, STATE, Some("wrong"), body).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{body}");
    }
    let fault = Fault::Unavailable;
    stage.simulator.set_fault("depot", fault).expect("depot");
    let answer = ask(&stage, STATE, Some("wrong"), "").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    let requests = stage.simulator.requests("depot").expect("depot");
    assert_eq!((requests.total, requests.in_flight), (7, 0));
}

#[test]
fn a_frame_carries_one_label() {
    let stage = Stage::with(Account::fleet("depot", 1));
    let vehicles = stage.simulator.readings_at("depot", start());
    let frames: Vec<_> = frames(&vehicles.expect("depot")[0])
        .map(|frame| serde_json::to_value(frame).expect("JSON"))
        .collect();
    let labels: Vec<_> = frames
        .iter()
        .map(|frame| frame["payload"]["label"].as_str().expect("a label"))
        .collect();
    assert_eq!(labels, ["soc", "power", "range", "odo", "speed", "gps"]);
    let odo = &frames[3];
    let value = odo["payload"]["value"].as_f64().expect("km");
    let time = odo["payload"]["time"].as_i64().expect("milliseconds");
    assert!((0..60_000).contains(&(start().timestamp_millis() - time)));
    assert_eq!(
        *odo,
        json!({"type": "vehicles", "payload": {"vid": "vehicle-001", "label": "odo", "value": value, "time": time}})
    );
}
