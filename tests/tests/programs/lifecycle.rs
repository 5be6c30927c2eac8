//! One cycle, followed by its trace id: through the log, the events and the answer.

use pgdev::{PrivateServer, Settings};
use serde_json::{Value, json};

use crate::dev::{Place, UNTIL_STOPPED};

const TRACE_ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// Types of the events that have the trace's id, with the cycle that each names, in order.
fn events_of_the_trace(place: &Place) -> Vec<(String, String)> {
    let settings = Settings {
        data_dir: Some(place.data().join("postgres")),
        ..Settings::durable("dev")
    };
    let server = PrivateServer::start(&settings).expect("the server of dev");
    let of_trace = format!(
        "SELECT type, cycle_id FROM event_store WHERE trace_id = '{TRACE_ID}' ORDER BY recorded_at"
    );
    let output = server.psql("telematics").args(["-c", &of_trace]).output();
    let output = output.expect("psql");
    assert!(output.status.success(), "{output:?}");
    let rows = String::from_utf8_lossy(&output.stdout).into_owned();
    rows.lines()
        .filter_map(|row| row.split_once('|'))
        .map(|(event, cycle)| (event.trim().to_owned(), cycle.trim().to_owned()))
        .collect()
}

#[tokio::test]
async fn a_cycle_is_followed_from_its_trigger_to_its_last_event() {
    let place = Place::new();
    let dev = place.dev_in([("LOG", "info")]);
    let cycle = dev
        .api
        .cycle_in(&format!("00-{TRACE_ID}-b7ad6b7169203331-01"))
        .await;
    let id = cycle["cycle_id"].as_str().expect("an id").to_owned();
    assert_eq!(cycle["trace_id"], TRACE_ID);
    let moments: Vec<&str> = cycle["timeline"]
        .as_array()
        .expect("a timeline")
        .iter()
        .filter_map(|moment| moment["event"].as_str())
        .collect();
    assert_eq!(
        moments,
        [
            "WorkspacePollCycleTriggered",
            "WorkspacePollCycleStarted",
            "ProviderConnectionPolled",
            "WorkspacePollIngestCompleted",
        ]
    );

    let events = events_of_the_trace(&place);
    assert!(events.iter().all(|(_, cycle)| *cycle == id), "{events:?}");
    let mut types: Vec<&str> = events.iter().map(|(event, _)| event.as_str()).collect();
    let accepted = types
        .iter()
        .filter(|of| **of == "TelematicsUpdateAccepted")
        .count();
    types.retain(|of| *of != "TelematicsUpdateAccepted");
    assert_eq!(
        types,
        [
            "WorkspacePollCycleTriggered",
            "WorkspacePollCycleStarted",
            "WorkspacePollIngestCompleted",
        ]
    );

    let mut running = dev.running;
    running.signal("INT");
    assert!(running.ends_within(UNTIL_STOPPED).success());
    let lines: Vec<Value> = running
        .complaints()
        .iter()
        .map(|line| serde_json::from_str(line).expect("one object a line"))
        .filter(|line: &Value| line["trace_id"] == TRACE_ID && line["cycle_id"] == json!(id))
        .collect();
    let [ended] = &lines[..] else {
        panic!("one line a cycle: {lines:#?}");
    };
    assert_eq!(ended["message"], "poll cycle ended");
    assert_eq!(ended["level"], "INFO");
    assert_eq!(ended["outcome"], "completed");
    assert_eq!(ended["accepted"], json!(accepted));
    assert_eq!(ended["workspace_id"], "demo-west");
}
