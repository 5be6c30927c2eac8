//! Envelopes that were not understood, and what a replay makes of them.

use application::commands::replay_quarantine;
use domain::envelopes::{EnvelopeOutcome, EnvelopeVerdict};
use domain::events::EventFilter;
use domain::ids::{EnvelopeId, ProviderId};
use domain::quarantine::{EnvelopeChoice, ReplaySelection};
use persistence::Fence;
use persistence::history::EventSpan;
use testkit::{
    AUTHOR, EnvelopeBuilder, Fixture, Fleet, a_connection, a_device, a_workspace, an_envelope,
    envelope_id, eventually, minutes, outcomes_of, start,
};

async fn depot(fixture: &Fixture) -> Fleet {
    a_workspace("north")
        .through(a_connection("sim-main"))
        .through(a_connection("sim-2"))
        .with(a_device("bus-1"))
        .with(a_device("bus-2").through("sim-2"))
        .create(fixture)
        .await
}

fn odometer(number: u32) -> EnvelopeBuilder {
    an_envelope(number).reporting("bus-1-unit", "odometer_km", number)
}

/// Stores envelopes as an older version did, whose interpreter did not know their shape.
async fn not_understood_before(
    depot: &Fleet,
    envelopes: impl IntoIterator<Item = EnvelopeBuilder>,
) {
    let envelopes: Vec<EnvelopeBuilder> = envelopes.into_iter().collect();
    let envelopes: Vec<_> = envelopes.iter().map(EnvelopeBuilder::envelope).collect();
    let not_understood = EnvelopeVerdict::Quarantined {
        reason: "unknown_shape",
        detail: "not yet".to_owned(),
    };
    let rows: Vec<_> = envelopes
        .iter()
        .map(|one| (one, not_understood.clone()))
        .collect();
    let uow = depot.core.store.begin(&depot.id, Fence::Shared).await;
    let mut uow = uow.expect("the store");
    let stored = uow.store_envelopes(&rows, None, start()).await;
    assert!(stored.expect("the store"), "nobody was quicker");
    uow.commit().await.expect("a commit");
}

async fn quarantined(depot: &Fleet) -> Vec<EnvelopeId> {
    let listed = depot
        .core
        .store
        .quarantined_envelopes(&depot.id, None, 1_000)
        .await;
    let listed = listed.expect("the store").into_iter();
    listed.map(|envelope| envelope.envelope_id).collect()
}

fn ids(numbers: impl IntoIterator<Item = u32>) -> Vec<EnvelopeId> {
    numbers.into_iter().map(envelope_id).collect()
}

#[tokio::test]
async fn a_replay_accepts_what_is_understood_by_now_and_leaves_the_rest() {
    let fixture = Fixture::create().await;
    let depot = depot(&fixture).await;
    let trace = "0af7651916cd43dd8448eb211c80319c";
    not_understood_before(&depot, [odometer(1).traced(trace), odometer(2)]).await;
    depot.forward([an_envelope(3).saying("null")]).await;
    assert_eq!(quarantined(&depot).await, ids(1..=3));
    fixture.clock.advance(minutes(2));

    let replay = depot.replay().await;
    let verdicts: Vec<_> = replay.verdicts.iter().map(|(_, verdict)| verdict).collect();
    let expected = ["accepted", "accepted", "quarantined: unknown_shape"];
    assert_eq!(outcomes_of(verdicts), expected);
    assert_eq!(replay.next_after, None);
    assert_eq!(quarantined(&depot).await, ids([3]));
    let kept = depot.kept_envelopes().await;
    assert_eq!((&*kept[0].outcome, &kept[0].reason), ("accepted", &None));
    assert_eq!(depot.snapshot("bus-1").await.held.version, 2);
    // It is still the provider's message, in its own trace.
    let filter = EventFilter {
        trace_id: Some(trace.to_owned()),
        ..EventFilter::default()
    };
    let ever = EventSpan {
        from: start() - minutes(1),
        before: None,
        until: start() + minutes(5),
    };
    let events = depot.core.store.events(&depot.id, &filter, ever, None, 10);
    let events = events.await.expect("the store");
    let types: Vec<&str> = events
        .iter()
        .map(|event| event.event_type.as_str())
        .collect();
    assert_eq!(types, ["TelematicsUpdateAccepted"]);

    // Once more: nothing is accepted twice, and an envelope that comes again is known as what it became.
    let again = depot.replay().await;
    assert_eq!(again.verdicts.len(), 1);
    assert_eq!(depot.accepted_events("bus-1").await.len(), 2);
    assert_eq!(
        outcomes_of(&depot.forward([odometer(1)]).await),
        ["duplicate"]
    );
}

#[tokio::test]
async fn a_replay_is_recorded_with_its_author_and_outcomes_unless_it_found_nothing() {
    let fixture = Fixture::create().await;
    let depot = depot(&fixture).await;
    depot.replay().await;
    assert!(depot.events("ProviderEnvelopesReplayed").await.is_empty());
    not_understood_before(&depot, [odometer(1), an_envelope(2).saying("[]")]).await;
    depot.replay().await;
    let events = depot.events("ProviderEnvelopesReplayed").await;
    assert_eq!(events.len(), 1);
    assert_eq!(
        events[0].1,
        serde_json::json!({
            "selection": {"provider_id": null, "reason": null},
            "envelopes": 2,
            "outcomes": {"accepted": 1, "quarantined": 1},
            "changed_by": "anna",
        })
    );
}

#[tokio::test]
async fn a_replay_can_be_of_one_connection_or_one_reason() {
    let fixture = Fixture::create().await;
    let depot = depot(&fixture).await;
    let second = |number| an_envelope(number).through("sim-2");
    not_understood_before(
        &depot,
        [
            odometer(1),
            second(2).reporting("bus-2-unit", "odometer_km", 7),
        ],
    )
    .await;
    depot
        .forward([second(3).saying(r#""garbage""#), second(4).saying("{}")])
        .await;
    let replayed = async |provider_id: Option<&str>, reason| {
        let provider_id = provider_id.map(|id| ProviderId::try_new(id).expect("an id"));
        let which = EnvelopeChoice::Quarantined {
            provider_id: provider_id.as_ref(),
            reason,
            limit: 1_000,
        };
        let verdicts = depot.replay_those(which).await.verdicts;
        verdicts.into_iter().map(|(id, _)| id).collect::<Vec<_>>()
    };
    assert_eq!(replayed(Some("sim-2"), Some("not_json")).await, ids([3]));
    assert_eq!(replayed(Some("nowhere"), None).await, ids([]));
    assert_eq!(replayed(Some("sim-2"), None).await, ids(2..=4));
    assert_eq!(replayed(None, Some("unknown_shape")).await, ids([1, 4]));
    assert_eq!(quarantined(&depot).await, ids([3, 4]));
}

#[tokio::test]
async fn a_replay_of_named_envelopes_judges_rejected_ones_again_too() {
    let fixture = Fixture::create().await;
    let depot = depot(&fixture).await;
    let unknown = an_envelope(1).reporting("bus-9-unit", "odometer_km", 1);
    depot
        .forward([unknown, odometer(2), an_envelope(3).saying("7")])
        .await;
    depot.configure(a_device("bus-9")).await;
    // Whoever replays the quarantine does not touch what was understood and refused.
    depot.replay().await;
    assert_eq!(depot.snapshot("bus-9").await.held.version, 0);
    let named = ids([3, 2, 1, 4, 1]);
    let replay = depot.replay_those(EnvelopeChoice::Named(&named)).await;
    let replayed: Vec<EnvelopeId> = replay.verdicts.iter().map(|(id, _)| *id).collect();
    assert_eq!(replayed, ids(1..=4));
    assert_eq!(
        outcomes_of(replay.verdicts.iter().map(|(_, verdict)| verdict)),
        [
            "accepted",
            "duplicate",
            "quarantined: unknown_shape",
            "rejected: unknown_envelope"
        ]
    );
    assert_eq!(depot.snapshot("bus-9").await.held.version, 1);
}

#[tokio::test]
async fn a_long_quarantine_is_replayed_part_by_part() {
    let fixture = Fixture::create().await;
    let depot = depot(&fixture).await;
    // The second and the third together are more than one replay reads.
    let long = format!("\"{}\"", "x".repeat(5 * 1024 * 1024));
    let envelopes = [
        an_envelope(1).saying("1"),
        an_envelope(2).saying(&long),
        an_envelope(3).saying(&long),
        an_envelope(4).saying("4"),
        an_envelope(5).saying("5"),
    ];
    depot.forward(envelopes).await;
    let named = ids([5, 4, 3, 2, 1, 99]);
    for which in [
        EnvelopeChoice::Quarantined {
            provider_id: None,
            reason: None,
            limit: 2,
        },
        EnvelopeChoice::Named(&named),
    ] {
        let (mut after, mut parts) = (None, Vec::<Vec<EnvelopeId>>::new());
        loop {
            let selection = ReplaySelection { after, which };
            let replay = replay_quarantine(&depot.core, AUTHOR, &depot.id, selection)
                .await
                .expect("a replay");
            parts.push(replay.verdicts.iter().map(|(id, _)| *id).collect());
            after = replay.next_after;
            if after.is_none() {
                break;
            }
        }
        let expected: Vec<Vec<EnvelopeId>> = match which {
            EnvelopeChoice::Quarantined { .. } => vec![ids(1..=2), ids(3..=4), ids([5])],
            EnvelopeChoice::Named(_) => vec![ids(1..=2), ids([3, 4, 5, 99])],
        };
        assert_eq!(parts, expected);
    }
}

/// Also while new envelopes come in, and the same ones again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replays_at_once_accept_each_envelope_once() {
    let fixture = Fixture::create().await;
    let depot = depot(&fixture).await;
    not_understood_before(&depot, (1..=40).map(odometer)).await;
    let replays: Vec<_> = (0..4)
        .map(|_| {
            let depot = depot.seen_by(fixture.another_instance());
            tokio::spawn(async move { depot.replay().await.verdicts })
        })
        .collect();
    let sender = depot.seen_by(fixture.another_instance());
    let sent = sender.forward((30..=60).map(odometer)).await;
    assert_eq!(sent.len(), 31);
    let mut tried = Vec::new();
    for replay in replays {
        let verdicts = replay.await.expect("a replay");
        tried.extend(verdicts.into_iter().map(|(id, _)| id));
    }
    tried.sort_unstable();
    assert_eq!(tried, ids(1..=40), "each by one of them");
    assert!(quarantined(&depot).await.is_empty());
    let kept = depot.kept_envelopes().await;
    assert_eq!(kept.len(), 60);
    let accepted = kept
        .iter()
        .filter(|kept| kept.outcome == EnvelopeOutcome::Accepted.as_str());
    assert_eq!(depot.accepted_events("bus-1").await.len(), accepted.count());
    let held = depot.snapshot("bus-1").await.held.readings;
    assert_eq!(held, depot.fold_of_events("bus-1").await);
}

/// Finds that the other replay has understood the envelope, and leaves it alone.
#[tokio::test]
async fn a_replay_waits_for_another_that_holds_the_same_envelope() {
    let fixture = Fixture::create().await;
    let depot = depot(&fixture).await;
    not_understood_before(&depot, [odometer(1)]).await;
    let other = fixture.store().begin(&depot.id, Fence::Shared).await;
    let mut other = other.expect("the store");
    let which = EnvelopeChoice::Quarantined {
        provider_id: None,
        reason: None,
        limit: 1,
    };
    let selection = ReplaySelection { after: None, which };
    let locked = other.lock_for_replay(selection).await.expect("the store");
    let ignored = EnvelopeVerdict::Ignored { reason: "echo" };
    let settled = [(locked[0].envelope_id, ignored)];
    let settled = other.settle_envelopes(&settled, start()).await;
    settled.expect("the store");

    let waiting = depot.seen_by(fixture.another_instance());
    let waiting = tokio::spawn(async move { waiting.replay().await });
    eventually("it waits", async || {
        fixture.database.sessions_waiting().await == 1
    })
    .await;
    other.commit().await.expect("a commit");
    assert!(waiting.await.expect("a replay").verdicts.is_empty());
    assert_eq!(depot.snapshot("bus-1").await.held.version, 0);
}
