//! One cycle, followed by its trace id: through the log, the events and the answer.

use serde_json::{Value, json};

use crate::dev::{Api, Place};

const TRACE_ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// Returns types of the events that have the trace's id, with the cycle that each names, old to new.
async fn events_of_the_trace(api: &Api) -> Vec<(String, String)> {
    let path = format!("/workspaces/demo-west/events?trace_id={TRACE_ID}&limit=1000");
    let page = api.get(&path).await;
    assert_eq!(page["next_cursor"], Value::Null);
    let events = page["events"].as_array().expect("events").iter().rev();
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    events
        .map(|event| (text(&event["type"]), text(&event["cycle_id"])))
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

    let events = events_of_the_trace(&dev.api).await;
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
    assert!(running.wait_for_exit().success());
    let lines: Vec<Value> = running
        .stderr()
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
