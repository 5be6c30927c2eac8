//! Batches that meet on the same devices.

use std::collections::{BTreeMap, HashMap};

use domain::acceptance::{Address, Item, Verdict};
use domain::signals::{Reading, Readings, Signal, SignalValue};
use persistence::acceptance::AcceptanceWriter;
use rand::Rng;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use testkit::{
    Fixture, Fleet, TestDatabase, a_device, a_workspace, an_update, eventually, record_in, seconds,
    start, words_of,
};

const WRITERS: u64 = 16;
const STAGES: i64 = 8;
const DEVICES: [&str; 5] = ["bus-1", "bus-2", "bus-3", "bus-4", "bus-5"];

/// The updates of a stage: each stage's times overlap with those of the next one, so that there is
/// always something newer to meet on. Few times and few values: readings of the same time meet too.
fn stage(number: i64, random: &mut ChaCha8Rng) -> Vec<Item> {
    let begins_at = start() - seconds(60 - 5 * number);
    let any_update = |_| {
        let device = DEVICES[random.random_range(0..DEVICES.len())];
        let mut update = an_update(device).observed(begins_at + seconds(random.random_range(0..8)));
        for signal in ["speed_kmh", "odometer_km"] {
            if random.random_bool(0.5) {
                update = update.with(signal, random.random_range(0..4));
            }
        }
        update.with("plugged_in", random.random_bool(0.5)).into()
    };
    (0..40).map(any_update).collect()
}

/// One writer's batches, a stage each: what is new and what was new before, in any order. The first
/// writer leaves nothing out.
fn batches_of(writer: u64, stages: &[Vec<Item>]) -> Vec<Vec<Item>> {
    let mut random = ChaCha8Rng::seed_from_u64(writer);
    let known = |at: usize| stages[at.saturating_sub(1)..=at].concat();
    let batches = (0..stages.len()).map(|at| {
        let mut batch = known(at);
        batch.shuffle(&mut random);
        batch.truncate(if writer == 0 { batch.len() } else { 30 });
        batch
    });
    batches.collect()
}

/// What is held of each device after all of these, whatever their order.
fn join_of(items: impl IntoIterator<Item = Item>) -> BTreeMap<String, Readings> {
    let mut joined: BTreeMap<String, Readings> = BTreeMap::new();
    for item in items {
        let Item::Update(update) = item else { continue };
        let Address::Device { device_id, .. } = update.address else {
            continue;
        };
        let observed_at = update.observed_at.expect("a time");
        let held = joined.entry(device_id.to_string()).or_default();
        for (signal, value) in update.signals {
            held.join(signal, Reading { value, observed_at });
        }
    }
    joined
}

async fn deadlocks(database: &TestDatabase) -> i64 {
    sqlx::query_scalar("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        .fetch_one(database.another_store().pool())
        .await
        .expect("statistics")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixteen_writers_in_any_order_end_as_one() {
    let fixture = Fixture::create().await;
    let depot = a_workspace("north")
        .with_all(DEVICES.map(a_device))
        .create(&fixture)
        .await;
    let deadlocks_before = deadlocks(&fixture.database).await;

    let mut random = ChaCha8Rng::seed_from_u64(2026);
    let stages: Vec<Vec<Item>> = (0..STAGES)
        .map(|number| stage(number, &mut random))
        .collect();
    // Each instance remembers what it has seen, and knows nothing of what the others write.
    let instances = [
        fixture.another_instance(),
        fixture.another_instance(),
        fixture.another_instance(),
    ];
    let writers: Vec<_> = (0..WRITERS)
        .zip(instances.iter().cycle())
        .map(|(writer, instance)| {
            let depot = depot.seen_by(instance.clone());
            let batches = batches_of(writer, &stages);
            tokio::spawn(async move {
                let mut accepted: HashMap<String, i64> = HashMap::new();
                for items in batches {
                    for judged in depot.push(items).await {
                        if let (Some(device), Verdict::Accepted { .. }) =
                            (judged.device_id, judged.verdict)
                        {
                            *accepted.entry(device.to_string()).or_default() += 1;
                        }
                    }
                }
                accepted
            })
        })
        .collect();
    let mut accepted: BTreeMap<String, i64> = BTreeMap::new();
    for writer in writers {
        for (device, count) in writer.await.expect("no batch fails") {
            *accepted.entry(device).or_default() += count;
        }
    }

    let joined = join_of(stages.into_iter().flatten());
    assert_eq!(joined.len(), DEVICES.len());
    for (device, readings) in &joined {
        let row = depot.snapshot(device).await;
        assert_eq!(
            &row.held.readings, readings,
            "{device}: the join of everything"
        );
        assert_eq!(row.newest_observed_at, readings.newest_observed_at());
        let events = depot.accepted_events(device).await;
        assert_eq!(
            row.held.version, accepted[device],
            "{device}: accepted answers"
        );
        assert_eq!(
            events.len(),
            usize::try_from(row.held.version).expect("a count"),
            "{device}: events"
        );
        assert_eq!(
            depot.fold_of_events(device).await,
            row.held.readings,
            "{device}: the fold of its events"
        );
    }
    // A session tells of its deadlocks when it ends, if not before.
    for instance in instances {
        instance.store.close().await;
    }
    assert_eq!(deadlocks(&fixture.database).await, deadlocks_before);
}

/// Another instance's batch, open after its writes: `bus-1` holds `speed_kmh` as of `start`.
async fn another_batch(depot: &Fleet, speed: f64) -> AcceptanceWriter<'_> {
    let update = an_update("bus-1")
        .observed(start())
        .with("speed_kmh", speed);
    let store = &depot.core.store;
    let mut writer = store.begin_acceptance(&depot.id).await.expect("the store");
    record_in(&mut writer, depot, &update.into()).await;
    writer
}

async fn superseded(fixture: &Fixture, depot: &Fleet, speed: i32) -> Vec<&'static str> {
    let other = another_batch(depot, 50.0).await;
    let mine = {
        let depot = depot.clone();
        let items = [
            an_update("bus-1").with("speed_kmh", speed),
            an_update("bus-2").with("speed_kmh", speed),
            an_update("bus-1")
                .observed(start() + seconds(1))
                .with("range_km", 100),
        ];
        tokio::spawn(async move { words_of(&depot.push(items).await) })
    };
    eventually("the batch waits for the other", async || {
        fixture.database.sessions_waiting().await == 1
    })
    .await;
    assert!(!mine.is_finished());
    other.commit().await.expect("a commit");
    mine.await.expect("no panic")
}

#[tokio::test]
async fn two_batches_race_on_a_device_that_holds_nothing_yet() {
    let fixture = Fixture::create().await;
    for (name, speed, expected) in [
        (
            "the other's is newer",
            40,
            ["stale", "accepted", "accepted"],
        ),
        (
            "both bring the same",
            50,
            ["duplicate", "accepted", "accepted"],
        ),
        (
            "the later one's is newer",
            60,
            ["accepted", "accepted", "accepted"],
        ),
    ] {
        let depot = a_workspace(&format!("depot-{speed}"))
            .with_all([a_device("bus-1"), a_device("bus-2")])
            .create(&fixture)
            .await;
        assert_eq!(
            superseded(&fixture, &depot, speed).await,
            expected,
            "{name}"
        );
        let row = depot.snapshot("bus-1").await;
        let events = depot.accepted_events("bus-1").await;
        assert_eq!(
            events.len(),
            usize::try_from(row.held.version).expect("a count"),
            "{name}"
        );
        assert_eq!(
            depot.fold_of_events("bus-1").await,
            row.held.readings,
            "{name}"
        );
        let speed_held = row
            .held
            .readings
            .get(Signal::named("speed_kmh").expect("a signal"))
            .expect("a reading")
            .value;
        assert_eq!(
            speed_held,
            SignalValue::Number(f64::from(speed.max(50))),
            "{name}"
        );
    }
}

#[tokio::test]
async fn a_batch_that_was_superseded_is_decided_again() {
    let fixture = Fixture::create().await;
    let depot = a_workspace("north")
        .with_all([a_device("bus-1"), a_device("bus-2")])
        .create(&fixture)
        .await;
    depot
        .push([an_update("bus-1")
            .observed(start() - seconds(5))
            .with("speed_kmh", 1)])
        .await;
    assert_eq!(
        superseded(&fixture, &depot, 40).await,
        ["stale", "accepted", "accepted"]
    );
    assert_eq!(depot.snapshot("bus-1").await.held.version, 3);
    assert_eq!(depot.accepted_events("bus-1").await.len(), 3);
}

#[tokio::test]
async fn a_batch_that_is_undone_leaves_its_place_to_the_next() {
    let fixture = Fixture::create().await;
    let depot = a_workspace("north")
        .with_all([a_device("bus-1"), a_device("bus-2")])
        .create(&fixture)
        .await;
    let other = another_batch(&depot, 50.0).await;
    let mine = {
        let depot = depot.clone();
        tokio::spawn(async move {
            words_of(&depot.push([an_update("bus-1").with("speed_kmh", 40)]).await)
        })
    };
    eventually("the batch waits for the other", async || {
        fixture.database.sessions_waiting().await == 1
    })
    .await;
    drop(other);
    assert_eq!(mine.await.expect("no panic"), ["accepted"]);
    assert_eq!(
        (
            depot.snapshot("bus-1").await.held.version,
            depot.accepted_events("bus-1").await.len()
        ),
        (1, 1)
    );
}
