//! A day of 2,000 workspaces on a virtual clock: the rules that decide which slots there are, when they are
//! due and which are made up for, with rows in memory in the database's place.
//!
//! `cargo test --release -p domain --test simulated_day -- --nocapture` prints what it comes to.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use domain::fleet::PollOwner;
use domain::polling::{
    Cadences, PollInterval, RecordedSlot, Timetable, TriggerDecision, TriggerFacts, decide_trigger,
    missed_slots, slot_key, slot_to_recover,
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

const WORKSPACES: i64 = 2_000;
/// Triggers of a hundred that never come, and that come twice.
const MISSED_PERCENT: u32 = 1;
const DOUBLED_PERCENT: u32 = 5;
const PRECISION: TimeDelta = TimeDelta::seconds(60);
/// Instances tick every 15 s, give or take a fifth, and look for due cycles every 500 ms.
const INSTANCES: u32 = 2;
const TICK_MS: std::ops::Range<i64> = 12_000..18_000;
const WORKER_MS: std::ops::Range<i64> = 0..500;
/// How long a cycle takes: a few seconds, and of a hundred two up to the provider's deadline.
const USUAL_MS: std::ops::Range<i64> = 1_000..5_000;
const SLOW_MS: std::ops::Range<i64> = 5_000..30_000;
const SLOW_PERCENT: u32 = 2;

fn midnight() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_392_000, 0).expect("a time")
}

fn day() -> TimeDelta {
    TimeDelta::days(1)
}

fn within(chance: &mut ChaCha8Rng, milliseconds: std::ops::Range<i64>) -> TimeDelta {
    TimeDelta::milliseconds(chance.random_range(milliseconds))
}

/// When any instance looks over the slots, in order.
fn ticks(chance: &mut ChaCha8Rng) -> Vec<DateTime<Utc>> {
    let mut ticks = Vec::new();
    for _ in 0..INSTANCES {
        let mut at = midnight() + within(chance, TICK_MS);
        while at < midnight() + day() + TimeDelta::hours(1) {
            ticks.push(at);
            at += within(chance, TICK_MS);
        }
    }
    ticks.sort();
    ticks
}

/// What the table of poll cycles holds of one workspace.
#[derive(Default)]
struct Rows(BTreeMap<DateTime<Utc>, Row>);

#[derive(Clone, Copy)]
struct Row {
    due_at: DateTime<Utc>,
    /// When it can be taken at the earliest: triggered and due, or found to have been missed.
    ready_at: DateTime<Utc>,
    missed: bool,
    recovered: bool,
}

impl Rows {
    /// A trigger arrives; of those of one slot the first counts.
    fn trigger(&mut self, facts: TriggerFacts, scheduled: DateTime<Utc>, now: DateTime<Utc>) {
        let slot = slot_key(scheduled);
        if self.0.contains_key(&slot) {
            return;
        }
        match decide_trigger(facts, Some(slot), now) {
            TriggerDecision::Queued { due_at } => {
                let row = Row {
                    due_at,
                    ready_at: due_at.max(now),
                    missed: false,
                    recovered: false,
                };
                self.0.insert(slot, row);
            }
            refused => panic!("a trigger of the schedule was refused: {refused:?}"),
        }
    }

    /// An instance ticks.
    fn look(&mut self, timetable: &Timetable, now: DateTime<Utc>) {
        let from = now - TimeDelta::minutes(10);
        let recent = || self.0.range(from..);
        let recorded: BTreeSet<_> = recent().map(|(slot, _)| *slot).collect();
        let missed = missed_slots(timetable, midnight(), PRECISION, &recorded, from, now);
        let records: Vec<_> = recent()
            .map(|(slot, row)| RecordedSlot {
                slot: *slot,
                supersedes: row.due_at <= now,
            })
            .collect();
        let recover = slot_to_recover(&missed, &records);
        for slot in missed {
            let row = Row {
                due_at: timetable.due_at(slot, PRECISION),
                ready_at: now,
                missed: true,
                recovered: recover == Some(slot),
            };
            self.0.insert(slot, row);
        }
    }
}

/// One workspace's day of rows.
fn rows_of(timetable: &Timetable, ticks: &[DateTime<Utc>], chance: &mut ChaCha8Rng) -> Rows {
    let facts = TriggerFacts {
        active: true,
        poll_owner: PollOwner::Core,
        timetable: *timetable,
        precision: PRECISION,
    };
    let mut rows = Rows::default();
    let tomorrow = midnight() + day();
    for slot in timetable
        .slots_from(midnight())
        .take_while(|slot| *slot < tomorrow)
    {
        if chance.random_range(0..100) >= MISSED_PERCENT {
            let fires_at = slot + within(chance, 0..60_000);
            rows.trigger(facts, slot, fires_at);
            if chance.random_range(0..100) < DOUBLED_PERCENT {
                let again = fires_at + within(chance, 0..180_000);
                rows.trigger(facts, slot, again);
            }
        }
        let overdue = timetable.due_at(slot, PRECISION) + domain::polling::TRIGGER_PATIENCE;
        let first = ticks.partition_point(|tick| *tick < overdue);
        let known = rows.0.len();
        rows.look(timetable, ticks[first - 1]);
        assert_eq!(
            rows.0.len(),
            known,
            "nothing is missed before it is overdue"
        );
        rows.look(timetable, ticks[first]);
    }
    rows
}

#[derive(Default)]
struct Day {
    slots: u32,
    missed: u32,
    recovered: u32,
    /// Starts in each ten seconds of the day.
    buckets: BTreeMap<i64, u32>,
    latest_start: TimeDelta,
    fresh: TimeDelta,
    total: TimeDelta,
}

impl Day {
    /// Runs a workspace's cycles: one at a time, each soon after it can be taken.
    fn run(&mut self, rows: &Rows, chance: &mut ChaCha8Rng) {
        let mut free_at = midnight();
        let mut received_at = None;
        for row in rows.0.values() {
            self.slots += 1;
            self.missed += u32::from(row.missed);
            self.recovered += u32::from(row.recovered);
            if row.missed && !row.recovered {
                continue;
            }
            let starts_at = (row.ready_at + within(chance, WORKER_MS)).max(free_at);
            self.latest_start = self.latest_start.max(starts_at - row.due_at);
            if starts_at < midnight() + day() {
                *self
                    .buckets
                    .entry((starts_at - midnight()).num_seconds() / 10)
                    .or_default() += 1;
            }
            let slow = chance.random_range(0..100) < SLOW_PERCENT;
            let ends_at = starts_at + within(chance, if slow { SLOW_MS } else { USUAL_MS });
            if let Some(before) = received_at.replace(ends_at) {
                let age: TimeDelta = ends_at - before;
                self.fresh += age.min(TimeDelta::minutes(5));
                self.total += age;
            }
            free_at = ends_at;
        }
    }

    fn fresh_percent(&self) -> f64 {
        100.0 * share(self.fresh.num_milliseconds(), self.total.num_milliseconds())
    }

    /// The worst ten seconds against the mean of those in which all workspaces are at work.
    fn worst_bucket(&self) -> f64 {
        let whole = 60..24 * 360 - 60;
        let starts: Vec<u32> = whole
            .clone()
            .map(|bucket| self.buckets.get(&bucket).copied().unwrap_or(0))
            .collect();
        let worst = starts.iter().max().copied().unwrap_or(0);
        let mean = share(
            starts.iter().map(|starts| i64::from(*starts)).sum(),
            whole.end - whole.start,
        );
        f64::from(worst) / mean
    }
}

fn share(of: i64, all: i64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let (of, all) = (of as f64, all as f64);
    of / all
}

#[test]
fn a_day_of_two_thousand_workspaces_stays_fresh_and_even() {
    let mut chance = ChaCha8Rng::seed_from_u64(20_261_123);
    let ticks = ticks(&mut chance);
    let mut day = Day::default();
    for number in 1..=WORKSPACES {
        let cadences = Cadences::first(PollInterval::DEFAULT, midnight() - TimeDelta::days(1));
        let timetable = Timetable::new(cadences, number);
        let rows = rows_of(&timetable, &ticks, &mut chance);
        day.run(&rows, &mut chance);
    }
    println!(
        "{WORKSPACES} workspaces, {} slots, {} without a trigger, {} of them made up for",
        day.slots, day.missed, day.recovered
    );
    println!("time with age <= 5 min     {:.2} %", day.fresh_percent());
    println!(
        "worst 10 s of starts       {:.2} times the mean",
        day.worst_bucket()
    );
    println!(
        "latest start after due     {:.1} s",
        share(day.latest_start.num_milliseconds(), 1_000)
    );

    assert_eq!(i64::from(day.slots), WORKSPACES * 288, "one row a slot");
    assert_eq!(day.missed, day.recovered);
    assert!(
        (5_000..7_000).contains(&day.missed),
        "one in a hundred: {}",
        day.missed
    );
    assert!(day.fresh_percent() >= 98.0, "{}", day.fresh_percent());
    assert!(day.worst_bucket() <= 1.3, "{}", day.worst_bucket());
    assert!(
        day.latest_start <= TimeDelta::seconds(15 + 18 + 1),
        "{}",
        day.latest_start
    );
}
