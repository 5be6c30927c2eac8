//! Every shape is read from the JSON of the contract and written back without loss.

use std::borrow::Cow;
use std::fmt::Debug;

use contract::ingest::{IngestAnswer, IngestRequest, IngestUpdate};
use contract::poll_cycles::{PollCycleAnswer, PollCycleList, PollCycleRecord, PollCycleRequest};
use contract::problem::ProblemBody;
use contract::provider_ingest::{
    ProviderEnvelopeBody, ProviderIngestAnswer, ProviderIngestRequest,
};
use contract::streams::{StreamConnectionList, StreamLeaseAnswer, StreamLeaseRequest};
use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

type AnyIngestRequest<'a> = IngestRequest<Vec<IngestUpdate<'a, Value>>>;
type AnyProviderIngestRequest<'a> = ProviderIngestRequest<Vec<ProviderEnvelopeBody<'a, Value>>>;

/// Reads the JSON as a `T` and writes it back: no member is lost or added.
#[track_caller]
fn returns<'j, T: Deserialize<'j> + Serialize>(json: &'j str) {
    let shape: T = serde_json::from_str(json).expect("JSON of the shape");
    let written = serde_json::to_value(&shape).expect("it has a JSON form");
    let given: Value = serde_json::from_str(json).expect("JSON");
    assert_eq!(written, given);
}

#[test]
fn ingest() {
    returns::<AnyIngestRequest<'_>>(
        r#"{"updates":[
            {"device_id":"bus-1401-obu","observed_at":"2026-11-23T08:00:00.000Z","message_id":"m-1",
             "signals":{"state_of_charge_percent":71.5,"odometer_km":88526.4,"position":{"latitude_deg":52.0934,"longitude_deg":5.1173},"speed_kmh":900}},
            {"provider_id":"geotab-main","external_id":"b2C","observed_at":"2026-11-23T08:00:03Z","signals":{"speed_kmh":0}}]}"#,
    );
    returns::<IngestAnswer>(
        r#"{"summary":{"received":3,"accepted":1,"duplicate":0,"stale":0,"rejected":2},
            "results":[
                {"index":0,"outcome":"accepted","reason":null,"device_id":"bus-1401-obu","message_id":"m-1",
                 "ignored_signals":["odometer_km"],"dropped_signals":[{"signal":"speed_kmh","reason":"out_of_range"}]},
                {"index":1,"outcome":"rejected","reason":"unknown_device","detail":"no active device of connection geotab-main has the external id b2C",
                 "device_id":null,"message_id":null,"ignored_signals":[],"dropped_signals":[]},
                {"index":2,"outcome":"rejected","reason":"malformed","detail":"missing field `signals`","pointer":"/signals",
                 "device_id":null,"message_id":null,"ignored_signals":[],"dropped_signals":[]}]}"#,
    );
}

#[test]
fn provider_ingest() {
    returns::<AnyProviderIngestRequest<'_>>(
        r#"{"envelopes":[
            {"envelope_id":"019ab0c4-6d2f-7c3e-9b1a-5f0e8d7c6b5a","provider_type":"viriciti","provider_id":"viriciti-main","received_at":"2026-11-23T08:00:01.250Z",
             "traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
             "raw_message":{"type":"vehicles","payload":{"vid":"demo_001","label":"soc","value":72.8,"time":1795420500000}}},
            {"envelope_id":"019ab0c4-6d2f-7c3e-9b1a-5f0e8d7c6b5b","provider_type":"viriciti","provider_id":"viriciti-main","received_at":"2026-11-23T08:00:01.250Z",
             "raw_message":"pong"}]}"#,
    );
    returns::<ProviderIngestAnswer>(
        r#"{"summary":{"received":3,"accepted":1,"duplicate":1,"stale":0,"rejected":1,"ignored":0,"quarantined":0},
            "results":[
                {"index":0,"envelope_id":"019ab0c4-6d2f-7c3e-9b1a-5f0e8d7c6b5a","outcome":"accepted","reason":null,"updates":[
                    {"index":0,"outcome":"accepted","reason":null,"device_id":"bus-1401-obu","message_id":null,"ignored_signals":[],"dropped_signals":[]}]},
                {"index":1,"envelope_id":"019ab0c4-6d2f-7c3e-9b1a-5f0e8d7c6b5a","outcome":"duplicate","reason":null,"first_outcome":"accepted","updates":[]},
                {"index":2,"envelope_id":null,"outcome":"rejected","reason":"malformed","detail":"must be a JSON object","pointer":"","updates":[]}]}"#,
    );
}

#[test]
fn poll_cycles() {
    returns::<PollCycleRequest<'_>>(
        r#"{"workspace_id":"depot-north","scheduled_time":"2026-11-23T08:04:00Z","schedule_arn":"arn:aws:scheduler:x","execution_id":"e","attempt":"1"}"#,
    );
    returns::<PollCycleRequest<'_>>(r#"{"workspace_id":"depot-north"}"#);
    returns::<PollCycleAnswer<'_>>(
        r#"{"outcome":"skipped","reason":"not_in_schedule","cycle_id":"019ab0c4-6d2f-7c3e-9b1a-5f0e8d7c6b5a","status":"skipped","workspace_id":"depot-north",
            "scheduled_time":null,"due_at":"2026-11-23T08:05:05Z"}"#,
    );
    let cycle = r#"{
        "cycle_id":"019ab0c4-6d2f-7c3e-9b1a-5f0e8d7c6b5a","trigger":"scheduled","status":"partial","scheduled_time":"2026-11-23T08:04:00Z","due_at":"2026-11-23T08:05:05Z",
        "started_at":"2026-11-23T08:05:05Z","ended_at":"2026-11-23T08:05:07Z","trace_id":"0af7651916cd43dd8448eb211c80319c","reason":null,"missed_at":null,
        "connections":[{"provider_id":"geotab-main","outcome":"failed","error":{"class":"rate_limited","detail":"the provider answered 429"},
            "devices_expected":60,"returned":58,"missing":["bus-1401-obu"],"unchanged":20,"accepted":38,"duplicate":0,"stale":0,
            "rejected":{"future_timestamp":1},"attempts":1,"duration_ms":812}],
        "streams":[{"provider_id":"viriciti-main","envelopes":300,"accepted":280,"quarantined":0,"last_received_at":null}],
        "timeline":[{"at":"2026-11-23T08:04:00Z","event":"WorkspacePollCycleTriggered"},
            {"at":"2026-11-23T08:05:06Z","event":"ProviderConnectionPolled","provider_id":"geotab-main","outcome":"failed"}]}"#;
    returns::<PollCycleRecord<'_>>(cycle);
    returns::<PollCycleList<'_>>(&format!(
        r#"{{"poll_cycles":[{cycle}],"next_cursor":null}}"#
    ));
}

#[test]
fn streams() {
    returns::<StreamConnectionList<'_, Value>>(
        r#"{"connections":[
            {"workspace_id":"depot-north","provider_id":"viriciti-main","provider_type":"viriciti","base_url":"https://example.com",
             "credential_ref":"env:PROVIDER_VIRICITI_NORTH","settings":{"labels":["soc"]},"external_ids":["demo_001"],
             "lease":{"instance_id":"transport-1","expires_at":"2026-11-23T08:00:30Z"}},
            {"workspace_id":"depot-south","provider_id":"viriciti-main","provider_type":"viriciti","base_url":"https://example.com",
             "credential_ref":null,"settings":{},"external_ids":[],"lease":null}]}"#,
    );
    returns::<StreamLeaseRequest<'_>>(
        r#"{"instance_id":"transport-1","token":null,"state":"connected","last_frame_at":"2026-11-23T08:00:00Z"}"#,
    );
    returns::<StreamLeaseAnswer<'_>>(r#"{"token":"7","expires_at":"2026-11-23T08:00:30Z"}"#);
}

#[test]
fn problems() {
    returns::<ProblemBody<Value>>(
        r#"{"type":"/problems/validation","title":"The request is not valid","status":400,"detail":"2 members are not valid",
            "instance":"/api/telematics-mvp/audit","trace_id":"0af7651916cd43dd8448eb211c80319c",
            "errors":[{"pointer":"/stale_threshold_minutes","detail":"must be above poll_interval_minutes"},
                {"parameter":"limit","detail":"must be 1 to 1000"}]}"#,
    );
    returns::<ProblemBody<Value>>(
        r#"{"type":"/problems/precondition-failed","title":"The resource has changed","status":412,
            "instance":"/","trace_id":"0af7651916cd43dd8448eb211c80319c","current":{"version":8}}"#,
    );
}

#[test]
fn requests_refuse_members_that_they_do_not_know_and_answers_pass_over_them() {
    let refused = serde_json::from_str::<PollCycleRequest<'_>>(r#"{"workspace_id":"w","more":1}"#);
    assert!(refused.is_err(), "{refused:?}");
    let answer = r#"{"token":"7","expires_at":"2026-11-23T08:00:30Z","more":1}"#;
    let read = serde_json::from_str::<StreamLeaseAnswer<'_>>(answer).expect("an answer");
    assert_eq!(read.token, "7");
}

#[test]
fn texts_of_requests_are_borrowed_if_they_hold_no_escapes() {
    let json = r#"{"device_id":"bus-1","provider_id":"\u0067eotab","signals":{}}"#;
    let update: IngestUpdate<'_, Value> = serde_json::from_str(json).expect("an update");
    assert!(matches!(update.device_id, Some(Cow::Borrowed("bus-1"))));
    assert!(matches!(update.provider_id, Some(Cow::Owned(text)) if text == "geotab"));
}

/// Writes a shape and reads it back.
fn assert_read_back<'j, T: Deserialize<'j> + Debug + PartialEq>(shape: &T, json: &'j str) {
    let read: T = serde_json::from_str(json).expect("what was written");
    assert_eq!(&read, shape);
}

fn any_text() -> impl Strategy<Value = Cow<'static, str>> {
    any::<String>().prop_map(Cow::Owned)
}

proptest! {
    #[test]
    fn any_update_is_read_back_as_it_was_written(
        texts in prop::array::uniform5(prop::option::of(any_text())),
        signals in prop_oneof![Just(json!({})), Just(json!({"speed_kmh": 1.5, "plugged_in": null}))],
    ) {
        let [device_id, provider_id, external_id, observed_at, message_id] = texts;
        let update = IngestUpdate {
            device_id, provider_id, external_id, observed_at, message_id, signals,
        };
        let json = serde_json::to_string(&update).expect("JSON");
        assert_read_back(&update, &json);
    }

    #[test]
    fn any_envelope_is_read_back_as_it_was_written(
        texts in prop::array::uniform4(any_text()),
        traceparent in prop::option::of(any_text()),
        message in any::<String>(),
    ) {
        let [envelope_id, provider_type, provider_id, received_at] = texts;
        let envelope = ProviderEnvelopeBody {
            envelope_id, provider_type, provider_id, received_at, traceparent,
            raw_message: json!(message),
        };
        let json = serde_json::to_string(&envelope).expect("JSON");
        assert_read_back(&envelope, &json);
    }
}
