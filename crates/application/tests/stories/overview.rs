//! The overview of all workspaces says of each what its own health says.

use std::collections::BTreeMap;

use application::queries::{
    HealthAt, HealthReport, PageRequest, WorkspaceOverview, evaluate_workspace, list_overview,
};
use chrono::{DateTime, Utc};
use domain::health::{Freshness, HealthState};
use domain::indicators::percentile;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use testkit::{Fixture, Fleet, minutes, start};

use crate::generated::some_workspace;

async fn health(fleet: &Fleet, now: DateTime<Utc>) -> HealthReport {
    let health = evaluate_workspace(&fleet.core, &fleet.id, HealthAt::Present(now)).await;
    health.expect("the health of the workspace")
}

/// Returns the age, in whole seconds, that is the nearest rank of 95 in a hundred.
fn p95_age(health: &HealthReport) -> Option<i64> {
    let ages = health.devices.iter().filter_map(|device| device.health.age);
    let mut ages: Vec<i64> = ages.map(|age| age.num_seconds()).collect();
    ages.sort_unstable();
    percentile(&ages, 95)
}

/// The law of the overview: SQL counts by cut-offs, the rule judges each device, and the sums are the same.
#[tokio::test]
async fn the_counts_of_each_workspace_are_those_of_its_health() {
    let mut seen: BTreeMap<HealthState, u32> = BTreeMap::new();
    let mut left_out_for_an_outage = 0;
    for seed in 0..4 {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let fixture = Fixture::create().await;
        let mut fleets = Vec::new();
        for number in 0..6 {
            fleets.push(some_workspace(&fixture, &format!("depot-{number}"), &mut random).await);
        }
        for round in 0..3 {
            let now = start() + minutes(5) * round;
            let everything = PageRequest {
                after: None,
                limit: 100,
            };
            let overview = list_overview(&fixture.core, &everything, now).await;
            let overview = overview.expect("the overview");
            let mut sum = Freshness::default();
            for fleet in &fleets {
                let report = health(fleet, now).await;
                let health = &report.summary;
                let of_fleet =
                    |overview: &&WorkspaceOverview| overview.record.workspace.id == fleet.id;
                let found = overview
                    .page
                    .items
                    .iter()
                    .find(of_fleet)
                    .expect("every workspace");
                let place = format!("seed {seed}, round {round}, {}", fleet.id);
                assert_eq!(found.figures.counts, health.counts, "{place}");
                assert_eq!(found.figures.freshness, health.freshness, "{place}");
                assert_eq!(found.p95_age_seconds, p95_age(&report), "{place}");
                sum += health.freshness;
                for (state, devices) in &health.counts {
                    *seen.entry(*state).or_default() += devices;
                }
                let awaiting = health.counts[&HealthState::AwaitingFirstData];
                let devices = found.figures.devices();
                left_out_for_an_outage += devices - awaiting - health.freshness.eligible_devices;
            }
            assert_eq!(overview.total.freshness, sum, "seed {seed}, round {round}");
        }
    }
    assert!(seen.values().all(|devices| *devices > 10), "{seen:?}");
    assert!(left_out_for_an_outage > 10, "{left_out_for_an_outage}");
}
