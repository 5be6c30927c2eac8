//! What is kept of an envelope, and what is told of it: message, event, log and metrics.

use domain::envelopes::EnvelopeOutcome;
use sqlx::FromRow;
use telemetry::metrics::{Exporter, ThreadExporter};
use testkit::{Fixture, an_envelope, envelope_id, log_of, outcomes_of};
use uuid::Uuid;

use crate::envelopes::{depot, speed};

#[derive(Debug, FromRow, PartialEq, Eq)]
struct Origin {
    envelope_id: Option<Uuid>,
    trace_id: Option<String>,
}

#[tokio::test]
async fn the_event_of_an_update_names_its_envelope_and_is_in_its_trace() {
    let fixture = Fixture::create().await;
    let depot = depot(&fixture).await;
    let trace = "0af7651916cd43dd8448eb211c80319c";
    depot
        .forward([
            speed(1, 31),
            an_envelope(2)
                .reporting("bus-2-unit", "speed_kmh", 30)
                .traced(trace),
        ])
        .await;
    let origins: Vec<Origin> = sqlx::query_as(
        "SELECT envelope_id, trace_id FROM event_store WHERE type = 'TelematicsUpdateAccepted' ORDER BY event_id",
    )
    .fetch_all(fixture.store().pool())
    .await
    .expect("events");
    let origin = |number, trace_id: Option<&str>| Origin {
        envelope_id: Some(envelope_id(number).0),
        trace_id: trace_id.map(str::to_owned),
    };
    assert_eq!(origins, [origin(1, None), origin(2, Some(trace))]);
    let payload = &depot.events("TelematicsUpdateAccepted").await[0].1;
    assert_eq!(payload["provider"], "sim-main");
    assert_eq!(payload["payload_prepared_at"], "2026-11-23T08:00:00Z");
}

/// Whatever is in a message: it is kept as it came, and what is kept is what a replay reads.
#[tokio::test]
async fn a_message_comes_back_byte_for_byte() {
    let fixture = Fixture::create().await;
    let depot = depot(&fixture).await;
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    let long = format!("\"{}\"", "x".repeat(1_000_000));
    let messages = [
        r#"{"id":"a\u0000b","signals":[{"name":"sp\u0000eed","value":1,"time":"\u0000"}]}"#,
        r#"{"id":"bus-1-unit","signals":[{"name":"sp\u0000eed","value":1,"time":"2026-11-23T08:00:00Z"}]}"#,
        r#""a\u0000b""#,
        r#""\ud800""#,
        r#"{"\udfff":"\ud83d"}"#,
        "1e999999999",
        "-0.000000000000000000000000000000000000000000000000000000000000000000000000001",
        "123456789012345678901234567890123456789012345678901234567890",
        r#"{"a":1,"a":2,"a":{"a":3,"a":4}}"#,
        "null",
        "[]",
        "{ \"id\" :\t\"bus-1-unit\" ,\r\n \"signals\" : [ ] }",
        "\"\u{202e}\u{feff}\u{10ffff}\"",
        &deep,
        &long,
    ];
    let envelopes = (1..)
        .zip(messages)
        .map(|(n, message)| an_envelope(n).saying(message));
    let verdicts = depot.forward(envelopes).await;
    assert!(
        verdicts
            .iter()
            .all(|verdict| verdict.outcome() != EnvelopeOutcome::Accepted),
        "{:?}",
        outcomes_of(&verdicts)
    );
    let kept = depot.kept_envelopes().await;
    assert_eq!(kept.len(), messages.len());
    for (kept, message) in kept.iter().zip(messages) {
        let shown: String = message.chars().take(80).collect();
        assert!(kept.raw_message == message, "{shown}");
        let detail = kept.detail.as_deref().unwrap_or_default();
        assert!(detail.chars().count() <= 1_000, "{shown}");
    }
    // And again from what was kept: nothing of it is a surprise the second time.
    let replayed = depot.replay().await;
    let quarantined = verdicts
        .iter()
        .filter(|verdict| verdict.outcome() == EnvelopeOutcome::Quarantined);
    assert_eq!(replayed.verdicts.len(), quarantined.count());
    assert!(
        replayed
            .verdicts
            .iter()
            .all(|(_, verdict)| verdict.outcome() == EnvelopeOutcome::Quarantined)
    );
}

/// Whatever becomes of it, and when it is replayed.
#[tokio::test]
async fn the_record_of_a_prepared_payload_has_its_ids_and_nothing_of_the_payload() {
    let fixture = Fixture::create().await;
    let depot = depot(&fixture).await;
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let canary = "c4n4ry";
    let messages = [
        format!(
            r#"{{"id":"bus-1-unit","signals":[{{"name":"speed_kmh","value":31,"time":"2026-11-23T08:00:00Z"}}],"note":"{canary}"}}"#
        ),
        format!(
            r#"{{"id":"{canary}","signals":[{{"name":"{canary}","value":"{canary}","time":"{canary}"}}]}}"#
        ),
        format!(
            r#"{{"id":"bus-1-unit","signals":[{{"name":"{canary}","value":1,"time":"2026-11-23T08:00:00Z"}}]}}"#
        ),
        format!(r#"{{"id":"{canary}\u0000","signals":[]}}"#),
        format!(r#""{canary}""#),
        format!(r#"["{canary}"]"#),
    ];
    let envelopes = || {
        let traced = |(number, message): (u32, &String)| {
            let envelope = an_envelope(number).saying(message);
            if number == 1 {
                envelope.traced(trace)
            } else {
                envelope
            }
        };
        (1..).zip(&messages).map(traced)
    };
    let story = async {
        depot.forward(envelopes()).await;
        depot.forward(envelopes()).await;
        depot.replay().await
    };
    let (replay, log) = log_of(story).await;
    assert!(!replay.verdicts.is_empty());
    let prepared: Vec<&str> = log
        .lines()
        .filter(|line| {
            line.contains("TelematicsIngressPayloadPrepared") && line.contains("envelope_id")
        })
        .collect();
    let expected = 2 * messages.len() + replay.verdicts.len();
    assert_eq!(prepared.len(), expected, "{log}");
    assert!(prepared[0].contains(trace), "{}", prepared[0]);
    let first = envelope_id(1).to_string();
    assert!(prepared[0].contains(&first), "{}", prepared[0]);
    let told = log.lines().find(|line| line.contains(canary));
    assert_eq!(told, None);
}

#[tokio::test]
async fn outcomes_of_envelopes_and_of_their_updates_are_counted() {
    let metrics: ThreadExporter = Exporter::on_this_thread().expect("a sound catalogue");
    let fixture = Fixture::create().await;
    let depot = depot(&fixture).await;
    depot
        .forward([
            speed(1, 31),
            speed(1, 31),
            speed(2, 31).through("sim-off"),
            an_envelope(3).saying("null"),
        ])
        .await;
    for line in [
        r#"telematics_envelopes_total{outcome="accepted",reason=""} 1"#,
        r#"telematics_envelopes_total{outcome="duplicate",reason=""} 1"#,
        r#"telematics_envelopes_total{outcome="rejected",reason="connection_disabled"} 1"#,
        r#"telematics_envelopes_total{outcome="quarantined",reason="unknown_shape"} 1"#,
        r#"telematics_updates_total{outcome="accepted",reason=""} 1"#,
        r#"telematics_updates_total{outcome="rejected",reason="connection_disabled"} 1"#,
    ] {
        assert!(metrics.has(line), "{line} in\n{}", metrics.render());
    }
}
