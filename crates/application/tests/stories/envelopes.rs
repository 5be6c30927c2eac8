//! What becomes of provider envelopes.

use chrono::TimeDelta;
use domain::envelopes::{EnvelopeOutcome, EnvelopeVerdict};
use domain::fleet::ProviderType;
use testkit::{
    EnvelopeBuilder, Fixture, Fleet, a_connection, a_device, a_workspace, an_envelope, hours,
    minutes, outcomes_of, seconds, start, statements_of,
};

pub async fn depot(fixture: &Fixture) -> Fleet {
    a_workspace("north")
        .through(a_connection("sim-main"))
        .through(a_connection("sim-off").disabled())
        .through(a_connection("geo").of_type(ProviderType::Geotab))
        .with_all(["bus-1", "bus-2"].map(a_device))
        .create(fixture)
        .await
}

pub fn speed(number: u32, kmh: i32) -> EnvelopeBuilder {
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
            "fence: shared",
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
