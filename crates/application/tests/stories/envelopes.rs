//! What becomes of provider envelopes.

use application::commands::{AcceptError, Precondition, put_workspace};
use chrono::TimeDelta;
use domain::envelopes::{EnvelopeItem, EnvelopeOutcome, EnvelopeVerdict};
use domain::fleet::{Cutover, ProviderMode, ProviderType};
use sqlx::FromRow;
use telemetry::metrics::{Exporter, ThreadExporter};
use testkit::{
    AUTHOR, CORE_OWNED, EnvelopeBuilder, Fixture, Fleet, a_connection, a_device, a_workspace,
    an_envelope, envelope_id, hours, log_of, minutes, outcomes_of, seconds, start, statements_of,
    words_of,
};
use uuid::Uuid;

async fn depot(fixture: &Fixture) -> Fleet {
    a_workspace("north")
        .through(a_connection("sim-main"))
        .through(a_connection("sim-off").disabled())
        .through(a_connection("geo").of_type(ProviderType::Geotab))
        .with_all(["bus-1", "bus-2"].map(a_device))
        .create(fixture)
        .await
}

fn speed(number: u32, kmh: i32) -> EnvelopeBuilder {
    an_envelope(number).reporting("bus-1-unit", "speed_kmh", kmh)
}

#[tokio::test]
async fn an_envelope_ends_as_what_it_says() {
    let fixture = Fixture::create().await;
    let depot = depot(&fixture).await;
    let tomorrow = start() + hours(24);
    let verdicts = depot
        .forward([
            speed(1, 31),
            speed(2, 31),
            an_envelope(3).reporting_at(start() - seconds(9), "bus-1-unit", "speed_kmh", 30),
            an_envelope(4).reporting("nobody", "speed_kmh", 30),
            an_envelope(5).reporting_at(tomorrow, "bus-1-unit", "speed_kmh", 30),
            speed(6, 900),
            an_envelope(7).saying(r#"{"id":"bus-1-unit","signals":[]}"#),
            an_envelope(8).saying(r#"{"hello":"world"}"#),
            an_envelope(9).saying(r#""not JSON""#),
        ])
        .await;
    let expected = [
        "accepted",
        "duplicate",
        "stale",
        "rejected: unknown_device",
        "rejected: future_timestamp",
        "rejected: no_valid_signals",
        "ignored: no_signals",
        "quarantined: unknown_shape",
        "quarantined: not_json",
    ];
    assert_eq!(outcomes_of(&verdicts), expected);
    let kept = depot.kept_envelopes().await;
    let words = kept.iter().map(|kept| match &kept.reason {
        Some(reason) => format!("{}: {reason}", kept.outcome),
        None => kept.outcome.clone(),
    });
    assert_eq!(words.collect::<Vec<_>>(), expected);
    assert_eq!(kept[8].raw_message, r#""not JSON""#);
    assert_eq!(depot.snapshot("bus-1").await.held.version, 1);
}

#[tokio::test]
async fn an_envelope_of_many_readings_is_as_well_as_the_best_of_them() {
    let fixture = Fixture::create().await;
    let depot = depot(&fixture).await;
    depot.forward([speed(1, 31)]).await;
    let message = r#"{"id":"bus-1-unit","signals":[
        {"name":"speed_kmh","value":31,"time":"2026-11-23T08:00:00Z"},
        {"name":"speed_kmh","value":30,"time":"2026-11-23T07:59:00Z"},
        {"name":"odometer_km","value":7,"time":"2026-11-23T07:58:00Z"}]}"#;
    let verdicts = depot.forward([an_envelope(2).saying(message)]).await;
    assert_eq!(outcomes_of(&verdicts), ["accepted"]);
    let words = verdicts[0]
        .updates()
        .iter()
        .map(|(_, judged)| judged.verdict.word().as_str());
    assert_eq!(
        words.collect::<Vec<_>>(),
        ["accepted", "stale", "duplicate"]
    );
}

/// Also beside a day's end, on which its first row is in another partition.
#[tokio::test]
async fn an_envelope_that_comes_again_is_known_on_any_day_of_the_retention() {
    let fixture = Fixture::create().await;
    let depot = depot(&fixture).await;
    let batch = || {
        [
            speed(1, 31),
            an_envelope(2).saying("7"),
            an_envelope(3).reporting("nobody", "speed_kmh", 1),
        ]
    };
    let first = depot.forward(batch()).await;
    assert_eq!(
        outcomes_of(&first),
        [
            "accepted",
            "quarantined: unknown_shape",
            "rejected: unknown_device"
        ]
    );
    let kept = depot.kept_envelopes().await;
    for later in [
        TimeDelta::zero(),
        minutes(16 * 60),
        hours(24),
        hours(24 * 13),
    ] {
        let fixture_later = fixture.core_at(start() + later);
        let store = &fixture_later.store;
        store
            .ensure_partitions(start() + later)
            .await
            .expect("partitions");
        // Though it says something else, it is the same envelope.
        let again = depot
            .seen_by(fixture_later)
            .forward(batch().map(|one| one.reporting("bus-1-unit", "odometer_km", 9)))
            .await;
        let first_outcomes: Vec<EnvelopeOutcome> = again
            .iter()
            .map(|verdict| match verdict {
                EnvelopeVerdict::Repeated { first_outcome } => *first_outcome,
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(
            first_outcomes,
            [
                EnvelopeOutcome::Accepted,
                EnvelopeOutcome::Quarantined,
                EnvelopeOutcome::Rejected
            ]
        );
        assert_eq!(outcomes_of(&again), ["duplicate"; 3]);
        assert_eq!(depot.kept_envelopes().await, kept, "{later}");
    }
    assert_eq!(depot.accepted_events("bus-1").await.len(), 1);
}

#[tokio::test]
async fn an_envelope_twice_in_a_batch_is_one() {
    let fixture = Fixture::create().await;
    let depot = depot(&fixture).await;
    let verdicts = depot
        .forward([speed(1, 31), speed(2, 32), speed(1, 33), speed(1, 34)])
        .await;
    assert_eq!(
        outcomes_of(&verdicts),
        ["accepted", "accepted", "duplicate", "duplicate"]
    );
    for repeated in &verdicts[2..] {
        let accepted = EnvelopeOutcome::Accepted;
        let expected = EnvelopeVerdict::Repeated {
            first_outcome: accepted,
        };
        assert_eq!(*repeated, expected);
    }
    assert_eq!(depot.kept_envelopes().await.len(), 2);
    assert_eq!(depot.snapshot("bus-1").await.held.version, 2);
}

#[tokio::test]
async fn what_may_not_speak_is_refused_with_all_it_says_and_kept() {
    let fixture = Fixture::create().await;
    let depot = depot(&fixture).await;
    let reading = |number| speed(number, 31);
    let verdicts = depot
        .forward([
            reading(1).through("nowhere"),
            reading(2).through("sim-off"),
            reading(3).through("geo"),
            reading(4).of_type(ProviderType::Geotab),
            // Which of its faults is told does not depend on whether it is understood.
            an_envelope(5).through("sim-off").saying("null"),
        ])
        .await;
    let expected = [
        "rejected: unknown_connection",
        "rejected: connection_disabled",
        "rejected: provider_type_mismatch",
        "rejected: provider_type_mismatch",
        "rejected: connection_disabled",
    ];
    assert_eq!(outcomes_of(&verdicts), expected);
    for verdict in &verdicts[..3] {
        let [(_, judged)] = verdict.updates() else {
            panic!("{verdict:?}")
        };
        let reason = words_of(std::slice::from_ref(judged))[0];
        assert_eq!(Some(reason), verdict.reason());
    }
    let kept = depot.kept_envelopes().await;
    assert_eq!(kept.len(), 5);
    assert!(kept.iter().all(|kept| kept.detail.is_some()), "{kept:?}");
    assert_eq!(depot.snapshot("bus-1").await.held.version, 0);
}

#[tokio::test]
async fn the_flags_refuse_before_the_connection_does() {
    let fixture = Fixture::create().await;
    let flags = Cutover {
        provider_mode: ProviderMode::LegacyProvider,
        ..CORE_OWNED
    };
    let depot = a_workspace("north")
        .flags(flags)
        .through(a_connection("sim-main"))
        .through(a_connection("sim-off").disabled())
        .create(&fixture)
        .await;
    let verdicts = depot
        .forward([
            speed(1, 31),
            speed(2, 31).through("sim-off"),
            speed(3, 31).through("nowhere"),
            speed(4, 31)
                .through("nowhere")
                .of_type(ProviderType::Viriciti),
        ])
        .await;
    assert_eq!(
        outcomes_of(&verdicts),
        [
            "rejected: provider_not_allowed",
            "rejected: provider_not_allowed",
            "rejected: provider_not_allowed",
            "rejected: unknown_connection"
        ]
    );
}

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

/// One parameter a message, of a few devices, is what streams send.
#[tokio::test]
async fn a_batch_of_any_size_runs_the_same_statements() {
    let fixture = Fixture::create().await;
    let depot = depot(&fixture).await;
    let batch = |first: u32, count: u32| {
        (first..first + count).map(move |number| {
            let vehicle = format!("bus-{}-unit", number % 2 + 1);
            let time = start() - hours(1) + seconds(number.into());
            an_envelope(number).reporting_at(time, &vehicle, "odometer_km", number)
        })
    };
    // Each batch by an instance that has just started, and so remembers nothing.
    let statements_for = async |first, count: u32| {
        let instance = depot.seen_by(fixture.another_instance());
        let (verdicts, statements) = statements_of(instance.forward(batch(first, count))).await;
        assert_eq!(
            outcomes_of(&verdicts),
            vec!["accepted"; count as usize],
            "{first}"
        );
        statements
    };
    let one = statements_for(1, 1).await;
    assert!((1..=8).contains(&one.len()), "{one:?}");
    for (first, count) in [(10, 7), (100, 1_000)] {
        assert_eq!(statements_for(first, count).await, one, "{count}");
    }
    // An instance that has seen the devices reads neither them nor the connections.
    depot.forward(batch(2_000, 2)).await;
    let warm_statements_for = async |first| {
        let (verdicts, mut statements) = statements_of(depot.forward(batch(first, 200))).await;
        // The commit has no name.
        statements.retain(|name| !name.is_empty());
        (verdicts, statements)
    };
    let (_, warm) = warm_statements_for(2_002).await;
    assert_eq!(
        warm,
        [
            "fence shared",
            "workspaces: one",
            "provider_envelopes: those known already",
            "acceptance: record updates",
            "provider_envelopes: store, with their messages and what arrived",
        ]
    );
    let (again, repeated) = warm_statements_for(2_002).await;
    assert_eq!(outcomes_of(&again), vec!["duplicate"; 200]);
    assert_eq!(repeated, warm[..3]);
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

async fn deactivate(depot: &Fleet) {
    let name = depot.record().await.workspace.name;
    let precondition = Precondition::None;
    put_workspace(
        &depot.core,
        AUTHOR,
        &depot.id,
        &name,
        false,
        None,
        &precondition,
    )
    .await
    .expect("a deactivation");
}

#[tokio::test]
async fn a_batch_for_no_workspace_or_an_inactive_one_leaves_nothing() {
    let fixture = Fixture::create().await;
    let mut depot = depot(&fixture).await;
    let envelope = speed(1, 31);
    let malformed = EnvelopeItem::Malformed {
        pointer: "/envelope_id".to_owned(),
        detail: "is missing".to_owned(),
    };
    let both = [envelope.item(), malformed.clone()];
    deactivate(&depot).await;
    for items in [&both[..], &both[1..]] {
        let refused = depot.forward_items(items).await;
        assert!(
            matches!(refused, Err(AcceptError::InactiveWorkspace)),
            "{refused:?}"
        );
    }
    assert!(depot.kept_envelopes().await.is_empty());
    depot.id = domain::ids::WorkspaceId::try_new("nowhere").expect("an id");
    for items in [&both[..], &both[1..]] {
        let refused = depot.forward_items(items).await;
        assert!(
            matches!(refused, Err(AcceptError::UnknownWorkspace)),
            "{refused:?}"
        );
    }
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
