//! What streams brought, in the records of poll cycles.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use application::commands::{Precondition, remove_connection};
use domain::fleet::ProviderType;
use domain::ids::{CycleId, ProviderId};
use domain::polling::StreamReport;
use testkit::{
    AUTHOR, Fixture, Fleet, a_connection, a_device, a_report, a_workspace, an_envelope, minutes,
    start,
};

async fn streams(depot: &Fleet, cycle_id: CycleId) -> Vec<StreamReport> {
    depot.cycle(cycle_id).await.streams
}

fn report(
    provider_id: &str,
    [envelopes, accepted, quarantined]: [u64; 3],
    last_received: Option<i64>,
) -> StreamReport {
    StreamReport {
        provider_id: ProviderId::try_new(provider_id).expect("an id"),
        envelopes,
        accepted,
        quarantined,
        last_received_at: last_received.map(|minute| start() + minutes(minute)),
    }
}

#[tokio::test]
async fn a_cycle_tells_what_arrived_since_the_one_before() {
    let fixture = Fixture::create().await;
    let depot = a_workspace("north")
        .through(a_connection("sim-main"))
        .through(a_connection("sim-2"))
        .through(a_connection("vc").of_type(ProviderType::Viriciti))
        .with(a_device("bus-1"))
        .create(&fixture)
        .await;
    // A connection of a streamed protocol is there though nothing has ever come.
    let first = depot.polled([]).await;
    assert_eq!(
        streams(&depot, first).await,
        [report("vc", [0, 0, 0], None)]
    );

    let reading = |number| an_envelope(number).reporting("bus-1-unit", "odometer_km", number);
    let batch = || {
        [
            reading(1).received(start() + minutes(1)),
            reading(2).received(start() + minutes(3)),
            an_envelope(3).saying("7").received(start() + minutes(2)),
            an_envelope(4).saying(r#"{"id":"bus-1-unit","signals":[]}"#),
            reading(5).through("nowhere"),
        ]
    };
    depot.forward(batch()).await;
    // Sent again, they have not arrived again.
    depot.forward(batch()).await;
    depot
        .forward([an_envelope(6).saying("7").through("sim-2")])
        .await;
    let second = depot.polled([]).await;
    let expected = [
        report("sim-2", [1, 0, 1], Some(0)),
        report("sim-main", [4, 2, 1], Some(3)),
        report("vc", [0, 0, 0], None),
    ];
    assert_eq!(streams(&depot, second).await, expected);

    // Then nothing; when there last was something is still known.
    let third = depot.polled([]).await;
    let expected = [
        report("sim-2", [0, 0, 0], Some(0)),
        report("sim-main", [0, 0, 0], Some(3)),
        report("vc", [0, 0, 0], None),
    ];
    assert_eq!(streams(&depot, third).await, expected);

    let gone = ProviderId::try_new("sim-2").expect("an id");
    remove_connection(&depot.core, AUTHOR, &depot.id, &gone, &Precondition::None)
        .await
        .expect("it is removed");
    let fourth = depot.polled([]).await;
    let names = streams(&depot, fourth).await.into_iter();
    let names: Vec<String> = names.map(|stream| stream.provider_id.to_string()).collect();
    assert_eq!(names, ["sim-main", "vc"]);
    assert_eq!(streams(&depot, second).await.len(), 3, "what was, was");
}

#[tokio::test]
async fn a_connection_that_is_polled_and_streamed_is_in_both_lists() {
    let fixture = Fixture::create().await;
    let depot = a_workspace("north")
        .through(a_connection("vc").of_type(ProviderType::Viriciti))
        .create(&fixture)
        .await;
    depot
        .forward([an_envelope(1)
            .through("vc")
            .of_type(ProviderType::Viriciti)
            .saying("7")])
        .await;
    let cycle_id = depot.polled([a_report("vc")]).await;
    let cycle = depot.cycle(cycle_id).await;
    assert_eq!(cycle.polls[0].report.provider_id.as_str(), "vc");
    assert_eq!(cycle.streams, [report("vc", [1, 0, 1], Some(0))]);
}

/// Whichever of two transactions commits first.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_envelope_is_in_the_record_of_one_cycle() {
    const BATCHES: u32 = 40;
    let fixture = Fixture::create().await;
    let depot = a_workspace("north")
        .with(a_device("bus-1"))
        .create(&fixture)
        .await;
    let done = Arc::new(AtomicBool::new(false));
    let senders: Vec<_> = (0..2)
        .map(|sender| {
            let depot = depot.seen_by(fixture.another_instance());
            tokio::spawn(async move {
                for batch in 0..BATCHES {
                    let first = (sender * BATCHES + batch) * 10 + 1;
                    let envelopes =
                        (first..first + 3).map(|number| an_envelope(number).saying("7"));
                    depot.forward(envelopes).await;
                }
            })
        })
        .collect();
    let cycles = {
        let (depot, done) = (depot.seen_by(fixture.another_instance()), Arc::clone(&done));
        tokio::spawn(async move {
            let mut counted = 0;
            loop {
                let last = done.load(Ordering::SeqCst);
                let cycle_id = depot.polled([]).await;
                let reports = streams(&depot, cycle_id).await;
                counted += reports.iter().map(|stream| stream.envelopes).sum::<u64>();
                if last {
                    return counted;
                }
            }
        })
    };
    for sender in senders {
        sender.await.expect("no batch fails");
    }
    done.store(true, Ordering::SeqCst);
    let counted = cycles.await.expect("no cycle fails");
    assert_eq!(counted, u64::from(2 * BATCHES * 3));
}
