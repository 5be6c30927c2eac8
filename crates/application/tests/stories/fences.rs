//! A change of flags or configuration, while sixteen clients push into the workspace without pause.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::time::Duration;

use application::Core;
use application::commands::CutoverCommand;
use chrono::TimeDelta;
use domain::acceptance::{Item, Source};
use domain::fleet::{CutoverPatch, ProviderMode};
use persistence::{Fence, Store};
use testkit::{
    Fixture, Fleet, a_connection, a_device, a_workspace, an_update, eventually, minutes, start,
    words_of,
};
use tokio::task::JoinSet;
use uuid::Uuid;

const CLIENTS: usize = 16;
const DEVICES: [&str; 4] = ["bus-1", "bus-2", "bus-3", "bus-4"];
/// Batches of each client that begin after the change has answered.
const LATE_BATCHES: usize = 3;
/// Batches of each client that may end while the change waits: those under way when it asked, and a few
/// more before it reached the fence. A change that is starved waits for thousands.
const OVERTAKING_BATCHES: usize = 10;
/// Far beyond what anything takes on a busy machine; only a failure waits this long.
const PATIENCE: Duration = Duration::from_mins(1);

/// Clients that push one newer reading of every device after another.
struct Load {
    clients: JoinSet<Vec<Vec<&'static str>>>,
    batches: Arc<AtomicUsize>,
    changed: Arc<AtomicBool>,
}

impl Load {
    /// Half of the clients push through another instance, which mints its ids from the same source.
    fn on(depot: &Fleet, another_store: &Store) -> Self {
        let (batches, changed, tick) = (
            Arc::<AtomicUsize>::default(),
            Arc::<AtomicBool>::default(),
            Arc::<AtomicI64>::default(),
        );
        let mut clients = JoinSet::new();
        let instances = [
            depot.clone(),
            depot.seen_by(Core {
                store: another_store.clone(),
                ..depot.core.clone()
            }),
        ];
        for instance in instances.iter().cycle().take(CLIENTS) {
            let (depot, batches, changed, tick) = (
                instance.clone(),
                batches.clone(),
                changed.clone(),
                tick.clone(),
            );
            clients.spawn(async move {
                let mut late = Vec::new();
                while late.len() < LATE_BATCHES {
                    let is_late = changed.load(Ordering::SeqCst);
                    let observed_at = start() - minutes(60)
                        + TimeDelta::microseconds(tick.fetch_add(1, Ordering::SeqCst));
                    let items = DEVICES.map(|id| {
                        Item::from(an_update(id).observed(observed_at).with("odometer_km", 7))
                    });
                    let words = match depot.accept(&items, Source::Push).await {
                        Ok(judged) => words_of(&judged),
                        Err(application::commands::AcceptError::InactiveWorkspace) => {
                            vec!["inactive_workspace"]
                        }
                        Err(error) => panic!("{error}"),
                    };
                    batches.fetch_add(1, Ordering::SeqCst);
                    if is_late {
                        late.push(words);
                    }
                }
                late
            });
        }
        Self {
            clients,
            batches,
            changed,
        }
    }

    /// Runs a change in the middle of the load, and asserts that it is not starved; returns what became of
    /// the batches that began after it.
    async fn during<T>(self, change: impl Future<Output = T>) -> (T, Vec<Vec<&'static str>>) {
        eventually("the load runs", async || {
            self.batches.load(Ordering::SeqCst) > 4 * CLIENTS
        })
        .await;
        let before = self.batches.load(Ordering::SeqCst);
        let outcome = change.await;
        let overtaking = self.batches.load(Ordering::SeqCst) - before;
        self.changed.store(true, Ordering::SeqCst);
        assert!(
            overtaking <= OVERTAKING_BATCHES * CLIENTS,
            "{overtaking} batches ended while the change waited"
        );
        (
            outcome,
            self.clients
                .join_all()
                .await
                .into_iter()
                .flatten()
                .collect(),
        )
    }
}

async fn a_busy_depot(fixture: &Fixture) -> (Fleet, Load) {
    let depot = a_workspace("north")
        .with_all(DEVICES.map(a_device))
        .create(fixture)
        .await;
    let load = Load::on(&depot, &fixture.database.another_store());
    (depot, load)
}

/// How many accepted updates of a device were recorded before, and after, the one event of a type.
/// All ids come from one source, and are minted under the fence: their order is that of the decisions.
async fn around(depot: &Fleet, event_type: &str, device: &str) -> (usize, usize) {
    let change: Uuid = depot
        .events(event_type)
        .await
        .last()
        .expect("the change is recorded")
        .0;
    let events = depot.accepted_events(device).await;
    let before = events
        .iter()
        .filter(|event| event.event_id < change)
        .count();
    (before, events.len() - before)
}

fn assert_all(late: &[Vec<&str>], expected: &[&str]) {
    assert_eq!(late.len(), CLIENTS * LATE_BATCHES);
    for words in late {
        assert_eq!(words, expected);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_of_flags_is_not_starved_and_nothing_decided_before_it_lands_after_it() {
    let fixture = Fixture::create().await;
    let (depot, load) = a_busy_depot(&fixture).await;
    let patch = CutoverPatch {
        provider_mode: Some(ProviderMode::LegacyProvider),
        ..CutoverPatch::default()
    };
    let change = depot.change_flags(CutoverCommand::Patch(patch));
    let ((), late) = load.during(change).await;
    assert_all(&late, &["provider_not_allowed"; 4]);
    for device in DEVICES {
        let (before, after) = around(&depot, "WorkspaceCutoverChanged", device).await;
        assert!(before > 0);
        assert_eq!(after, 0, "{device}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deactivated_device_is_silent_at_once_and_the_others_are_not() {
    let fixture = Fixture::create().await;
    let (depot, load) = a_busy_depot(&fixture).await;
    let ((), late) = load.during(depot.deactivate("bus-2")).await;
    assert_eq!(late.len(), CLIENTS * LATE_BATCHES);
    for words in late {
        // Stale, where another client's newer reading was quicker.
        assert!(
            matches!(
                words[..],
                [
                    "accepted" | "stale",
                    "inactive_device",
                    "accepted" | "stale",
                    "accepted" | "stale"
                ]
            ),
            "{words:?}"
        );
    }
    let (before, after) = around(&depot, "DeviceDeactivated", "bus-2").await;
    assert!(before > 0);
    assert_eq!(after, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_activation_holds_nothing_that_was_decided_for_the_old_one() {
    let fixture = Fixture::create().await;
    let (depot, load) = a_busy_depot(&fixture).await;
    fixture.clock.advance(TimeDelta::microseconds(1));
    let (device, _) = load
        .during(depot.configure(a_device("bus-2").fitted_to("tram")))
        .await;
    let configured = depot
        .events("DeviceConfigured")
        .await
        .last()
        .expect("the change is recorded")
        .0;
    let row = depot.snapshot("bus-2").await;
    assert_eq!(row.activated_at, device.activated_at);
    let events = depot.accepted_events("bus-2").await;
    let since: Vec<_> = events
        .iter()
        .filter(|event| event.event_id > configured)
        .collect();
    assert!(since.len() < events.len());
    assert_eq!(
        i64::try_from(since.len()).expect("a count"),
        row.held.version
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disabled_connection_is_silent_at_once() {
    let fixture = Fixture::create().await;
    let (depot, load) = a_busy_depot(&fixture).await;
    let disabled = a_connection("sim-main").disabled();
    let ((), late) = load.during(depot.connect(disabled)).await;
    assert_all(&late, &["connection_disabled"; 4]);
    assert_eq!(
        around(&depot, "ProviderConnectionConfigured", "bus-1")
            .await
            .1,
        0
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deactivated_workspace_is_silent_at_once() {
    let fixture = Fixture::create().await;
    let (depot, load) = a_busy_depot(&fixture).await;
    let ((), late) = load.during(depot.set_active(false)).await;
    assert_all(&late, &["inactive_workspace"]);
    assert_eq!(around(&depot, "WorkspaceConfigured", "bus-1").await.1, 0);
}

#[tokio::test]
async fn a_workspace_does_not_wait_for_another_ones_change() {
    let fixture = Fixture::create().await;
    let north = a_workspace("north")
        .with(a_device("bus-1"))
        .create(&fixture)
        .await;
    let south = a_workspace("south")
        .with(a_device("bus-1"))
        .create(&fixture)
        .await;
    let open = fixture
        .store()
        .begin(&north.id, Fence::Exclusive)
        .await
        .expect("the store");

    let story = async {
        assert_eq!(
            words_of(&south.push([an_update("bus-1").with("speed_kmh", 1)]).await),
            ["accepted"]
        );
        south.configure(a_device("bus-2")).await;
        south.trigger(None).await;
    };
    tokio::time::timeout(PATIENCE, story)
        .await
        .expect("nothing to wait for");
    drop(open);
    assert_eq!(
        north.snapshot("bus-1").await.held.version,
        0,
        "the same device id is another device there"
    );
}
