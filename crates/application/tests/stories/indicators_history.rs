//! Indicators against a recomputation from the rows and from what happened, second by second, over
//! histories that are drawn: triggers that come, come late, come twice or never, holders that die,
//! recoveries, rollbacks, devices that come and go, providers that are down.

use std::collections::BTreeMap;

use application::commands::{
    CutoverCommand, Precondition, change_cutover, change_policy, roll_back,
};
use application::polling::SlotWatch;
use application::queries::{WindowIndicators, compute_indicators};
use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use domain::fleet::Policy;
use domain::health::{DeviceFacts, evaluate};
use domain::ids::CycleId;
use domain::indicators::{FreshTime, SlotOutcome, percent_of};
use domain::polling::{CycleTrigger, ErrorClass, PollCycle};
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
struct Activation {
    connection: &'static str,
    activated_at: DateTime<Utc>,
    updates: Vec<DateTime<Utc>>,
}

struct History {
    fixture: Fixture,
    depot: Fleet,
    random: ChaCha8Rng,
    policy: Policy,
    watch: SlotWatch,
    /// What is active now.
    active: BTreeMap<&'static str, Activation>,
    /// Since when core polls, and the end of the latest cycle.
    measured_until: DateTime<Utc>,
    /// Connections whose provider was down in the latest cycle.
    down: Vec<&'static str>,
    /// What each cycle that was polled to its end must have measured, with its end.
    measured: BTreeMap<CycleId, (DateTime<Utc>, FreshTime)>,
    observations: i64,
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
        change_policy(&depot.core, AUTHOR, &depot.id, policy, &Precondition::None)
            .await
            .expect("a change");
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
        change_cutover(
            &self.depot.core,
            AUTHOR,
            &self.depot.id,
            command,
            None,
            &Precondition::None,
        )
        .await
        .expect("flags");
        self.measured_until = self.now();
    }

    /// Of the time since the latest cycle, second by second, as health judges each.
    fn fresh_time(&self, until: DateTime<Utc>) -> FreshTime {
        let mut time = FreshTime::default();
        let second = 1_000_000;
        for activation in self.active.values() {
            if self.down.contains(&activation.connection) {
                continue;
            }
            let mut from = self.measured_until.max(activation.activated_at);
            while from < until {
                // Its middle: nothing happens there.
                let instant = from + TimeDelta::milliseconds(500);
                let past = activation.updates.iter().filter(|at| **at <= from);
                let facts = DeviceFacts {
                    activated_at: activation.activated_at,
                    last_update_received_at: past.max().copied(),
                    newest_observed_at: None,
                    declared_interval_minutes: None,
                };
                let health = evaluate(&facts, self.policy, instant);
                if health.state.is_eligible(false) {
                    time.eligible_us += second;
                    if health.is_fresh() {
                        time.fresh_us += second;
                    }
                }
                from += seconds(1);
            }
        }
        time
    }

    async fn check(&self) {
        let now = self.now();
        let cycles = self.depot.cycles().await;
        self.check_hours(&cycles).await;
        let windows = compute_indicators(&self.depot.core, &self.depot.id, now)
            .await
            .expect("the indicators of the workspace");
        for figures in windows {
            self.check_window(&figures, &cycles, now);
        }
    }

    /// What the hours have counted is what the rows say: each slot once.
    async fn check_hours(&self, cycles: &[PollCycle]) {
        let mut expected: BTreeMap<(DateTime<Utc>, String), i32> = BTreeMap::new();
        for cycle in cycles {
            if let (Some(slot), Some(outcome)) = (cycle.scheduled_time, outcome(cycle)) {
                let hour = slot.duration_trunc(hours(1)).expect("an hour");
                *expected.entry((hour, outcome)).or_default() += 1;
            }
        }
        let counted: Vec<(DateTime<Utc>, String, i32)> =
            sqlx::query_as("SELECT hour, outcome, slots FROM poll_cycle_hours")
                .fetch_all(self.depot.core.store.pool())
                .await
                .expect("hours");
        let counted: BTreeMap<_, _> = counted
            .into_iter()
            .map(|(hour, outcome, slots)| ((hour, outcome), slots))
            .collect();
        assert_eq!(counted, expected);
    }

    fn check_window(&self, figures: &WindowIndicators, cycles: &[PollCycle], now: DateTime<Utc>) {
        let start = now - figures.window.length();
        let within = |at: DateTime<Utc>| at > start && at <= now;
        let slots: Vec<&PollCycle> = cycles
            .iter()
            .filter(|cycle| cycle.scheduled_time.is_some_and(within))
            .collect();
        assert_eq!(as_count(slots.len()), figures.slots.scheduled());
        for outcome_word in SlotOutcome::ALL {
            let count = slots
                .iter()
                .filter(|cycle| outcome(cycle).as_deref() == Some(outcome_word.as_str()))
                .count();
            assert_eq!(as_count(count), figures.slots.of(*outcome_word));
        }
        let deviations: Vec<TimeDelta> = slots
            .iter()
            .filter(|cycle| cycle.trigger == CycleTrigger::Scheduled)
            .filter_map(|cycle| Some(cycle.started_at? - cycle.due_at))
            .collect();
        let found = figures.start_deviation;
        assert_eq!(found.map(|found| found.p50), rank(&deviations, 50));
        assert_eq!(found.map(|found| found.p95), rank(&deviations, 95));
        assert_eq!(found.map(|found| found.max), rank(&deviations, 100));

        let polls = cycles
            .iter()
            .flat_map(|cycle| &cycle.polls)
            .filter(|poll| within(poll.ended_at));
        let (returned, expected) = polls.fold((0, 0), |(returned, expected), poll| {
            (
                returned + i64::from(poll.report.returned),
                expected + i64::from(poll.report.devices_expected),
            )
        });
        assert_eq!(figures.coverage_percent, percent_of(returned, expected));

        let latest: Vec<TimeDelta> = self
            .active
            .values()
            .filter_map(|activation| Some(now - *activation.updates.iter().max()?))
            .collect();
        assert_eq!(figures.age.map(|age| age.p50), rank(&latest, 50));
        assert_eq!(figures.age.map(|age| age.p95), rank(&latest, 95));
        assert_eq!(figures.age.map(|age| age.p99), rank(&latest, 99));

        let mut fresh = self.fresh_time(now);
        for (_, time) in self.measured.values().filter(|(end, _)| within(*end)) {
            fresh += *time;
        }
        assert_eq!(figures.within_5_minutes_percent, fresh.percent());
    }
}

/// As the row alone says it.
fn outcome(cycle: &PollCycle) -> Option<String> {
    if cycle.missed_at.is_some() {
        return Some("missed".to_owned());
    }
    cycle.ended_at.map(|_| cycle.status.clone())
}

/// The smallest that so many percent do not exceed, by trying each.
fn rank(values: &[TimeDelta], percent: usize) -> Option<TimeDelta> {
    let enough = |value: &TimeDelta| {
        let at_most = values.iter().filter(|other| *other <= value).count();
        at_most * 100 >= percent * values.len()
    };
    values.iter().filter(|value| enough(value)).min().copied()
}

fn as_count(slots: usize) -> u32 {
    u32::try_from(slots).expect("a count")
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
