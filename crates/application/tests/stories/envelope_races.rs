//! Senders that meet on the same envelopes.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use domain::envelopes::{EnvelopeOutcome, EnvelopeVerdict};
use domain::signals::{Reading, Readings, Signal, SignalValue};
use persistence::Fence;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use testkit::{
    EnvelopeBuilder, Fixture, a_device, a_workspace, an_envelope, an_update, envelope_id,
    eventually, outcomes_of, seconds, start,
};

const SENDERS: u64 = 8;
const ENVELOPES: u32 = 60;

/// The reading in the envelope of this number: of one parameter, of one of a few devices.
fn reading(number: u32) -> (String, DateTime<Utc>) {
    let device = format!("bus-{}", number % 3 + 1);
    let time = start() - seconds(60) + seconds((number % 20).into());
    (device, time)
}

fn has_a_reading(number: u32) -> bool {
    number % 6 > 1
}

/// Some have none, or nonsense.
fn envelope(number: u32) -> EnvelopeBuilder {
    let (device, time) = reading(number);
    let envelope = an_envelope(number);
    match number % 6 {
        0 => envelope.saying("7"),
        1 => envelope.reporting("nobody", "odometer_km", number),
        _ => envelope.reporting_at(time, &format!("{device}-unit"), "odometer_km", number),
    }
}

/// What is held of a device after all of these, whatever came first and by which entrance.
fn join_of_all(device: &str) -> Readings {
    let odometer = Signal::named("odometer_km").expect("a signal");
    let readings = (1..=ENVELOPES).filter(|number| has_a_reading(*number));
    let of_device = readings.filter_map(|number| {
        let (of, observed_at) = reading(number);
        let value = SignalValue::Number(number.into());
        (of == device).then_some((odometer, Reading { value, observed_at }))
    });
    of_device.collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_the_same_envelopes_from_many_senders_in_any_order_each_is_taken_in_once() {
    let fixture = Fixture::create().await;
    let depot = a_workspace("north")
        .with_all(["bus-1", "bus-2", "bus-3"].map(a_device))
        .create(&fixture)
        .await;
    let senders: Vec<_> = (0..SENDERS)
        .map(|sender| {
            let depot = depot.seen_by(fixture.another_instance());
            tokio::spawn(async move {
                let mut random = ChaCha8Rng::seed_from_u64(sender);
                let mut verdicts = Vec::new();
                let mut numbers: Vec<u32> = (1..=ENVELOPES).collect();
                numbers.shuffle(&mut random);
                for batch in numbers.chunks(20) {
                    let judged = depot.forward(batch.iter().map(|n| envelope(*n))).await;
                    verdicts.extend(batch.iter().copied().zip(judged));
                }
                verdicts
            })
        })
        .collect();
    // The same readings come as updates too.
    let pusher = depot.seen_by(fixture.another_instance());
    let pushing = tokio::spawn(async move {
        let mut numbers: Vec<u32> = (1..=ENVELOPES).filter(|n| has_a_reading(*n)).collect();
        numbers.shuffle(&mut ChaCha8Rng::seed_from_u64(SENDERS));
        for batch in numbers.chunks(7) {
            let update = |number: &u32| {
                let (device, time) = reading(*number);
                let update = an_update(&device).observed(time);
                update.with("odometer_km", *number)
            };
            pusher.push(batch.iter().map(update)).await;
        }
    });
    let mut firsts: HashMap<u32, EnvelopeOutcome> = HashMap::new();
    let mut repeats: Vec<(u32, EnvelopeOutcome)> = Vec::new();
    for sender in senders {
        for (number, verdict) in sender.await.expect("no batch fails") {
            match verdict {
                EnvelopeVerdict::Repeated { first_outcome } => {
                    repeats.push((number, first_outcome));
                }
                first => {
                    let before = firsts.insert(number, first.outcome());
                    assert_eq!(before, None, "{number} was first twice");
                }
            }
        }
    }
    pushing.await.expect("no batch fails");
    assert_eq!(firsts.len(), ENVELOPES as usize);
    assert!(
        repeats
            .iter()
            .all(|(number, outcome)| firsts[number] == *outcome)
    );
    let kept = depot.kept_envelopes().await;
    assert_eq!(kept.len(), ENVELOPES as usize);
    for (number, kept) in (1..).zip(&kept) {
        assert_eq!(kept.envelope_id, envelope_id(number).0);
        assert_eq!(kept.outcome, firsts[&number].as_str(), "{number}");
    }
    // Each accepted envelope has the one event of its one update.
    let accepted = firsts
        .values()
        .filter(|outcome| **outcome == EnvelopeOutcome::Accepted);
    let events: (i64, i64) = sqlx::query_as(
        "SELECT count(envelope_id), count(DISTINCT envelope_id) FROM event_store WHERE type = 'TelematicsUpdateAccepted'",
    )
    .fetch_one(fixture.store().pool())
    .await
    .expect("a count");
    let accepted = i64::try_from(accepted.count()).expect("a few");
    assert_eq!(events, (accepted, accepted));
    let counted: i64 = sqlx::query_scalar("SELECT envelopes FROM stream_arrivals")
        .fetch_one(fixture.store().pool())
        .await
        .expect("a count");
    assert_eq!(counted, i64::from(ENVELOPES), "each arrived once");
    for device in ["bus-1", "bus-2", "bus-3"] {
        let held = depot.snapshot(device).await.held.readings;
        assert_eq!(held, join_of_all(device), "{device}");
        assert_eq!(held, depot.fold_of_events(device).await, "{device}");
    }
}

/// The other has the envelope before this one can keep it: what this one has judged is undone.
#[tokio::test]
async fn a_sender_that_loses_the_race_has_accepted_nothing() {
    let fixture = Fixture::create().await;
    let depot = a_workspace("north")
        .with(a_device("bus-1"))
        .create(&fixture)
        .await;
    for (number, committed) in [(1, true), (2, false)] {
        let other = fixture.store().begin(&depot.id, Fence::Shared).await;
        let mut other = other.expect("the store");
        let ignored = EnvelopeVerdict::Ignored { reason: "echo" };
        let stored = other
            .store_envelopes(&[(&an_envelope(number).envelope(), ignored)], None, start())
            .await;
        assert!(stored.expect("the store"), "nobody was quicker");
        let sender = depot.seen_by(fixture.another_instance());
        let sending = tokio::spawn(async move {
            let later = an_envelope(10 + number);
            let later = later.reporting("bus-1-unit", "speed_kmh", number);
            let envelope = an_envelope(number).reporting("bus-1-unit", "odometer_km", number);
            sender.forward([envelope, later]).await
        });
        eventually("the sender waits for the other", async || {
            fixture.database.sessions_waiting().await == 1
        })
        .await;
        if committed {
            other.commit().await.expect("a commit");
        } else {
            drop(other);
        }
        let verdicts = sending.await.expect("a batch that is not refused");
        let held = depot.snapshot("bus-1").await.held.readings;
        let odometer = Signal::named("odometer_km").expect("a signal");
        if committed {
            assert_eq!(outcomes_of(&verdicts), ["duplicate", "accepted"]);
            assert!(
                matches!(
                    verdicts[0],
                    EnvelopeVerdict::Repeated {
                        first_outcome: EnvelopeOutcome::Ignored
                    }
                ),
                "{verdicts:?}"
            );
            assert!(held.get(odometer).is_none(), "undone");
        } else {
            assert_eq!(outcomes_of(&verdicts), ["accepted", "accepted"]);
            assert!(held.get(odometer).is_some());
        }
        assert_eq!(held, depot.fold_of_events("bus-1").await);
    }
}
