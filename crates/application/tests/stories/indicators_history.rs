//! Indicators against a recomputation (`indicators_oracle`) over histories that are drawn: triggers that
//! come, come late, come twice or never, holders that die, recoveries, rollbacks, devices that come and go,
//! providers that are down.

use std::collections::BTreeMap;

use application::commands::{CutoverCommand, roll_back};
use application::polling::SlotWatch;
use chrono::{DateTime, TimeDelta, Utc};
use domain::fleet::Policy;
use domain::ids::CycleId;
use domain::indicators::FreshTime;
use domain::polling::ErrorClass;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use testkit::{
    AUTHOR, CORE_OWNED, Fixture, Fleet, a_connection, a_device, a_report, a_workspace, an_update,
    eventually, hours, minutes, seconds, start,
};

const CONNECTIONS: [&str; 2] = ["sim-1", "sim-2"];
const DEVICES: [&str; 4] = ["bus-1", "bus-2", "bus-3", "bus-4"];

/// An activation of a device, and its accepted updates.
#[derive(Clone)]
pub struct Activation {
    pub connection: &'static str,
    pub activated_at: DateTime<Utc>,
    pub updates: Vec<DateTime<Utc>>,
}

pub struct History {
    pub fixture: Fixture,
    pub depot: Fleet,
    pub random: ChaCha8Rng,
    pub policy: Policy,
    pub watch: SlotWatch,
    /// What is active now.
    pub active: BTreeMap<&'static str, Activation>,
    /// Since when core polls, and the end of the latest cycle.
    pub measured_until: DateTime<Utc>,
    /// Connections whose provider was down in the latest cycle.
    pub down: Vec<&'static str>,
    /// What each cycle that was polled to its end must have measured, with its end.
    pub measured: BTreeMap<CycleId, (DateTime<Utc>, FreshTime)>,
    pub observations: i64,
}

impl History {
    async fn begin(seed: u64) -> Self {
        let fixture = Fixture::create().await;
        let workspace = CONNECTIONS
            .into_iter()
            .fold(a_workspace("north"), |workspace, id| {
                workspace.through(a_connection(id))
            });
        let depot = workspace
            .registered_for(TimeDelta::zero())
            .create(&fixture)
            .await;
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let grace_minutes = *[5, 30, 60].choose(&mut random).expect("a grace period");
        let policy = Policy::try_new(5, 15, grace_minutes).expect("a policy");
        depot.change_policy(policy).await;
        Self {
            fixture,
            depot,
            random,
            policy,
            watch: SlotWatch::default(),
            active: BTreeMap::new(),
            measured_until: start(),
            down: Vec::new(),
            measured: BTreeMap::new(),
            observations: 0,
        }
    }

    fn now(&self) -> DateTime<Utc> {
        self.fixture.clock.now()
    }

    fn chance(&mut self, percent: u32) -> bool {
        self.random.random_ratio(percent, 100)
    }

    /// Some time goes by: mostly a minute or two, now and then hours.
    fn wait(&mut self) {
        let seconds = match self.random.random_range(0..100) {
            0..2 => self.random.random_range(0..60_000),
            2..10 => self.random.random_range(0..4_000),
            _ => self.random.random_range(1..150),
        };
        self.fixture.clock.advance(TimeDelta::seconds(seconds));
    }

    async fn step(&mut self) {
        self.wait();
        match self.random.random_range(0..100) {
            0..8 => self.configure().await,
            8..10 => self.deactivate().await,
            10..35 => self.push().await,
            35..60 => self.trigger().await,
            60..70 => self.watch.look(&self.depot.core).await.expect("the store"),
            70..72 => self.hand_over().await,
            _ => self.run().await,
        }
    }

    async fn configure(&mut self) {
        let id = *DEVICES.choose(&mut self.random).expect("a device");
        let connection = *CONNECTIONS.choose(&mut self.random).expect("one");
        let now = self.now();
        let same = self
            .active
            .get(id)
            .is_some_and(|activation| activation.connection == connection);
        self.depot.configure(a_device(id).through(connection)).await;
        if !same {
            let activation = Activation {
                connection,
                activated_at: now,
                updates: Vec::new(),
            };
            self.active.insert(id, activation);
        }
        // A reading and an activation of the same instant have no order.
        self.fixture.clock.advance(seconds(1));
    }

    async fn deactivate(&mut self) {
        if let Some((id, _)) = self.active.pop_first() {
            self.depot.deactivate(id).await;
            self.fixture.clock.advance(seconds(1));
        }
    }

    /// Readings of some devices, each newer than all before.
    async fn push(&mut self) {
        let now = self.now();
        let mut updates = Vec::new();
        let chosen: Vec<&'static str> = self.active.keys().copied().collect();
        for id in chosen {
            if !self.chance(70) {
                continue;
            }
            for _ in 0..self.random.random_range(1..3) {
                self.observations += 1;
                updates.push(
                    an_update(id)
                        .observed(start() - hours(24) + TimeDelta::seconds(self.observations))
                        .with("speed_kmh", 1),
                );
                let activation = self.active.get_mut(id).expect("an active device");
                activation.updates.push(now);
            }
        }
        if !updates.is_empty() {
            let judged = self.depot.push(updates).await;
            assert!(
                testkit::words_of(&judged)
                    .iter()
                    .all(|word| *word == "accepted")
            );
        }
    }

    /// A trigger of the present slot or one of those before, on time, late, or not for the first time;
    /// or one by hand.
    async fn trigger(&mut self) {
        if self.chance(15) {
            self.depot.trigger(None).await;
            return;
        }
        let schedule = self.depot.record().await.workspace.schedule();
        let slot = schedule.slot_at_or_after(self.now() - minutes(5));
        let late = minutes(5) * self.random.random_range(0..3);
        for _ in 0..self.random.random_range(1..3) {
            self.depot.trigger(Some(slot - late)).await;
        }
    }

    /// What a worker does: ends what will never run, and polls what can be claimed.
    async fn run(&mut self) {
        self.depot
            .core
            .store
            .retire_cycles(&self.depot.id, self.now())
            .await
            .expect("the store");
        let Some(cycle_id) = self.depot.claimable().await.first().copied() else {
            return;
        };
        if self.chance(10) {
            self.lose(cycle_id).await;
            return;
        }
        let cycle = self.depot.claim(cycle_id).await.expect("a claim");
        self.fixture
            .clock
            .advance(seconds(self.random.random_range(0..20)));
        self.push().await;
        let mut reports = Vec::new();
        self.down.clear();
        for id in CONNECTIONS {
            let report = a_report(id).naming(
                self.random.random_range(0..3),
                self.random.random_range(3..5),
            );
            reports.push(match self.random.random_range(0..10) {
                0 => {
                    self.down.push(id);
                    report.failed(ErrorClass::Timeout)
                }
                1 => report.failed(ErrorClass::RateLimited),
                _ => report,
            });
        }
        self.depot.record_reports(&cycle, reports).await;
        let now = self.now();
        let measured = self.fresh_time(now);
        self.depot.finish(&cycle).await;
        self.measured.insert(cycle_id, (now, measured));
        self.measured_until = now;
    }

    /// Three holders in a row die over it, and nobody takes it again.
    async fn lose(&mut self, cycle_id: CycleId) {
        for _ in 0..3 {
            let depot = &self.depot;
            eventually("the lease before is over", async || {
                depot.claim_and_die(cycle_id).await
            })
            .await;
        }
        let (store, now) = (&self.depot.core.store, self.now());
        let id = &self.depot.id;
        eventually("it is given up", async || {
            let closed = store.retire_cycles(id, now).await.expect("the store");
            closed.iter().any(|closed| closed.cycle_id == cycle_id)
        })
        .await;
    }

    /// Polls become the legacy service's for a while.
    async fn hand_over(&mut self) {
        roll_back(&self.depot.core, AUTHOR, &self.depot.id, None)
            .await
            .expect("a rollback");
        self.fixture
            .clock
            .advance(TimeDelta::seconds(self.random.random_range(1..1_000)));
        self.trigger().await;
        let command = CutoverCommand::Replace(CORE_OWNED);
        self.depot.change_flags(command).await;
        self.measured_until = self.now();
    }
}

#[tokio::test]
async fn figures_are_what_the_rows_and_the_history_say() {
    let mut ran = 0;
    for seed in 0..8 {
        let mut history = History::begin(seed).await;
        for step in 0..120 {
            history.step().await;
            if step % 30 == 29 {
                history.check().await;
            }
        }
        ran += history.measured.len();
        let kept: Vec<(uuid::Uuid, i64, i64)> = sqlx::query_as(
            "SELECT cycle_id, eligible_us, fresh_us FROM poll_cycles WHERE eligible_us IS NOT NULL ORDER BY cycle_id",
        )
        .fetch_all(history.depot.core.store.pool())
        .await
        .expect("cycles");
        let measured: Vec<_> = history
            .measured
            .iter()
            .map(|(id, (_, time))| (id.0, time.eligible_us, time.fresh_us))
            .collect();
        assert_eq!(kept, measured, "seed {seed}");
    }
    assert!(ran > 50, "{ran} cycles were polled");
}
