//! The laws of acceptance over generated histories, on a real database: whatever the order, repetition,
//! batching, entrance and number of writers, the same is held, and the events add up to it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};

use application::history::compare_snapshots;
use domain::TimeText;
use domain::acceptance::{Item, Judged, Source, Verdict};
use domain::envelopes::EnvelopeVerdict;
use domain::signals::{Readings, SignalValue};
use futures::future::join_all;
use persistence::polling::ClaimedCycle;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, TestRunner};
use serde_json::json;
use testkit::{
    EnvelopeBuilder, Fixture, Fleet, UpdateBuilder, a_device, a_workspace, an_envelope, an_update,
    seconds, start,
};

const DEVICES: [&str; 3] = ["bus-1", "bus-2", "bus-3"];
/// Histories that are tried; each is a workspace of its own. The rule alone is tried with some hundreds more
/// in `domain/tests/join_law.rs`.
const CASES: u32 = 20;
const OUT_OF_RANGE: i32 = 1_000_000;

/// A way into acceptance. Whatever entrance there is more, it belongs here.
#[derive(Clone, Copy, Debug)]
enum Entrance {
    /// Pushed, the device by our id.
    Push,
    /// Pushed, the device by its name at its connection.
    PushByName,
    /// Polled: under the lease of the workspace's running cycle.
    Poll,
    /// Forwarded as raw messages, one each.
    Forward,
}

/// Something that a provider tells of a device. Few times and few values: much is told twice, and at
/// the same time otherwise.
#[derive(Clone, Debug)]
struct Told {
    device: usize,
    second: i64,
    /// By signal; a value that is out of range is dropped and costs the others nothing.
    signals: BTreeMap<&'static str, i32>,
}

/// A batch as one writer brings it.
#[derive(Clone, Debug)]
struct Brought {
    writer: usize,
    entrance: Entrance,
    told: Vec<Told>,
}

fn any_told() -> impl Strategy<Value = Told> {
    let signal = prop_oneof![Just("speed_kmh"), Just("range_km"), Just("heading_deg")];
    let value = prop_oneof![9 => 0_i32..4, 1 => Just(OUT_OF_RANGE)];
    let signals = prop::collection::btree_map(signal, value, 1..4);
    (0..DEVICES.len(), 0_i64..6, signals).prop_map(|(device, second, signals)| Told {
        device,
        second,
        signals,
    })
}

fn any_entrance() -> impl Strategy<Value = Entrance> {
    prop_oneof![
        Just(Entrance::Push),
        Just(Entrance::PushByName),
        Just(Entrance::Poll),
        Just(Entrance::Forward)
    ]
}

/// A history, and how it is brought: all of it at least once, some of it again, in any order, cut into
/// batches anyhow, by up to four writers.
fn any_history() -> impl Strategy<Value = (Vec<Told>, Vec<Brought>)> {
    prop::collection::vec(any_told(), 1..40)
        .prop_flat_map(|told| {
            let again = prop::collection::vec(any::<Index>(), 0..20);
            (Just(told), again)
        })
        .prop_flat_map(|(told, again)| {
            let mut all = told.clone();
            all.extend(again.iter().map(|at| at.get(&told).clone()));
            let cuts = prop::collection::vec((1_usize..9, 0_usize..4, any_entrance()), all.len());
            (Just(told), Just(all).prop_shuffle(), cuts)
        })
        .prop_map(|(told, mut all, cuts)| {
            let mut brought = Vec::new();
            for (size, writer, entrance) in cuts {
                if all.is_empty() {
                    break;
                }
                let rest = all.split_off(size.min(all.len()));
                brought.push(Brought {
                    writer,
                    entrance,
                    told: std::mem::replace(&mut all, rest),
                });
            }
            (told, brought)
        })
}

/// By signal: when it was observed, in seconds after the start, and its value.
type Last = BTreeMap<&'static str, (i64, i32)>;

/// What must be held of each device in the end, found by sorting: the last of all valid readings by time,
/// then value. It shares nothing with the product's own join.
fn last_of_each(told: &[Told]) -> BTreeMap<&'static str, Last> {
    let mut readings: Vec<(&str, &str, i64, i32)> = told
        .iter()
        .flat_map(|told| {
            let of_device = |(signal, value): (&&'static str, &i32)| {
                (DEVICES[told.device], *signal, told.second, *value)
            };
            told.signals.iter().map(of_device)
        })
        .collect();
    readings.sort_unstable();
    let mut last: BTreeMap<&str, Last> = BTreeMap::new();
    for (device, signal, second, value) in readings {
        let of_device = last.entry(device).or_default();
        if value != OUT_OF_RANGE {
            of_device.insert(signal, (second, value));
        }
    }
    last
}

/// The readings of a snapshot as [`last_of_each`] writes them.
fn seconds_and_values(readings: &Readings) -> Last {
    #[expect(clippy::cast_possible_truncation, reason = "told as whole numbers")]
    let value = |value| match value {
        SignalValue::Number(number) => number as i32,
        other => panic!("only numbers are told: {other:?}"),
    };
    let held = readings.iter();
    held.map(|(signal, reading)| {
        let second = (reading.observed_at - start()).num_seconds();
        (signal.name(), (second, value(reading.value)))
    })
    .collect()
}

fn item(told: &Told, entrance: Entrance) -> Item {
    let device = DEVICES[told.device];
    let mut update: UpdateBuilder = an_update(device).observed(start() + seconds(told.second));
    for (signal, value) in &told.signals {
        update = update.with(signal, *value);
    }
    match entrance {
        Entrance::PushByName => update.from_unit("sim-main", &format!("{device}-unit")),
        Entrance::Push | Entrance::Poll | Entrance::Forward => update,
    }
    .into()
}

/// What a provider's stream says, in an envelope of its own.
fn envelope(told: &Told) -> EnvelopeBuilder {
    static NUMBER: AtomicU32 = AtomicU32::new(1);
    let time = TimeText(start() + seconds(told.second));
    let signals = told.signals.iter();
    let signals: Vec<_> = signals
        .map(|(name, value)| json!({"name": name, "value": value, "time": time}))
        .collect();
    let message = json!({"id": format!("{}-unit", DEVICES[told.device]), "signals": signals});
    an_envelope(NUMBER.fetch_add(1, Ordering::Relaxed)).saying(&message.to_string())
}

/// Brings a batch in; answers how many updates were accepted.
async fn bring(depot: &Fleet, cycle: &ClaimedCycle, brought: &Brought) -> usize {
    let items: Vec<Item> = brought
        .told
        .iter()
        .map(|told| item(told, brought.entrance))
        .collect();
    let source = match brought.entrance {
        Entrance::Forward => {
            let verdicts = depot.forward(brought.told.iter().map(envelope)).await;
            let updates = verdicts.iter().flat_map(EnvelopeVerdict::updates);
            return accepted(updates.map(|(_, judged)| judged));
        }
        Entrance::Push | Entrance::PushByName => Source::Push,
        Entrance::Poll => Source::Cycle {
            cycle_id: cycle.cycle_id,
            lease: cycle.lease,
        },
    };
    let judged = depot.accept(&items, source).await.expect("no batch fails");
    accepted(&judged)
}

fn accepted<'j>(judged: impl IntoIterator<Item = &'j Judged>) -> usize {
    let is_accepted = |judged: &&Judged| matches!(judged.verdict, Verdict::Accepted { .. });
    judged.into_iter().filter(is_accepted).count()
}

/// Brings the history in, and holds what is there afterwards to the laws.
async fn obeys(fixture: &Fixture, instances: &[Fleet], told: &[Told], brought: &[Brought]) {
    static CASE: AtomicU32 = AtomicU32::new(0);
    let id = format!("case-{}", CASE.fetch_add(1, Ordering::Relaxed));
    let depot = a_workspace(&id)
        .with_all(DEVICES.map(a_device))
        .create(fixture)
        .await;
    let cycle_id = depot.trigger(None).await.cycle_id;
    let cycle = depot.claim(cycle_id).await.expect("its only cycle");
    let writers = instances
        .iter()
        .enumerate()
        .map(async |(writer, instance)| {
            let depot = depot.seen_by(instance.core.clone());
            let mut accepted = 0;
            for batch in brought.iter().filter(|batch| batch.writer == writer) {
                accepted += bring(&depot, &cycle, batch).await;
            }
            accepted
        });
    let accepted: usize = join_all(writers).await.into_iter().sum();

    let mut versions = 0;
    for (device, last) in last_of_each(told) {
        let row = depot.snapshot(device).await;
        assert_eq!(
            seconds_and_values(&row.held.readings),
            last,
            "{device}: the last of all that was told"
        );
        let newest = last.values().map(|(second, _)| *second).max();
        assert_eq!(
            row.newest_observed_at,
            newest.map(|second| start() + seconds(second)),
            "{device}"
        );
        versions += usize::try_from(row.held.version).expect("a count");
        let events = depot.accepted_events(device).await.len();
        assert_eq!(
            i64::try_from(events),
            Ok(row.held.version),
            "{device}: events"
        );
    }
    assert_eq!(
        versions, accepted,
        "an answer of `accepted` for every version"
    );
    let compared = compare_snapshots(&depot.core, &depot.id, start()).await;
    let compared = compared.expect("the store");
    assert_eq!(
        compared.not_proven(),
        0,
        "the fold of its events: {compared:#?}"
    );
}

#[test]
fn any_history_however_it_is_brought_ends_with_the_last_of_each_signal() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    let (fixture, instances) = runtime.block_on(async {
        let fixture = Fixture::create().await;
        let here = a_workspace("instances").create(&fixture).await;
        let instances = [(); 4].map(|()| here.seen_by(fixture.another_instance()));
        (fixture, instances)
    });
    let mut runner = TestRunner::new(Config {
        cases: CASES,
        failure_persistence: None,
        ..Config::default()
    });
    runner
        .run(&any_history(), |(told, brought)| {
            runtime.block_on(obeys(&fixture, &instances, &told, &brought));
            Ok(())
        })
        .expect("the laws hold");
    runtime.block_on(async { drop((fixture, instances)) });
}
