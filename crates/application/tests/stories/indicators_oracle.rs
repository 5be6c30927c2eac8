//! Indicators, recomputed from the rows and from what happened, second by second.

use std::collections::BTreeMap;

use application::queries::{WindowIndicators, compute_indicators};
use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use domain::health::{DeviceFacts, evaluate};
use domain::indicators::{FreshTime, SlotOutcome, percent_of};
use domain::polling::{CycleTrigger, PollCycle};
use testkit::{hours, seconds};

use crate::indicators_history::History;

impl History {
    /// Adds up the time since the latest cycle, second by second, as health judges each.
    pub fn fresh_time(&self, until: DateTime<Utc>) -> FreshTime {
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

    /// Compares the indicators of now with the recomputation.
    pub async fn check(&self) {
        let now = self.fixture.clock.now();
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
            assert_eq!(as_count(count), figures.slots.count_of(*outcome_word));
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

/// Returns how a slot ended, as its row alone says it.
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
