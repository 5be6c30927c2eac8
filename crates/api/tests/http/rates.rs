//! How often a caller may ask.

use std::num::NonZeroU32;

use api::access::{Rate, RateLimits};
use testkit::{a_workspace, seconds};

use crate::service::{ADMIN, Caller, NORTH, READ, SYSTEM_ADMIN, Service, VIEWER};

const HEALTH: &str = "/workspaces/depot-north/health";

fn rate(per_second: u32, burst: u32) -> Option<Rate> {
    Rate::from_settings(per_second, NonZeroU32::new(burst).expect("a burst"))
}

async fn people_may_ask(per_second: u32, burst: u32) -> Service {
    let service = Service::start_with(|state| {
        state.rates = RateLimits::new(rate(per_second, burst), None, &state.core.clock);
    })
    .await;
    a_workspace(NORTH).create(&service.fixture).await;
    service
}

#[tokio::test]
async fn beyond_the_burst_it_is_429_until_the_time_that_is_told() {
    let service = people_may_ask(1, 3).await;
    for _ in 0..3 {
        service.get(VIEWER, HEALTH).await.of(200);
    }
    let refused = service.get(VIEWER, HEALTH).await;
    refused.problem(429, "rate-limited");
    assert_eq!(refused.header("retry-after"), Some("1"));
    service.fixture.clock.advance(seconds(1));
    service.get(VIEWER, HEALTH).await.of(200);
    service
        .get(VIEWER, HEALTH)
        .await
        .problem(429, "rate-limited");
}

/// The tests' people are one subject; what they may do is not what counts.
#[tokio::test]
async fn a_person_is_counted_whatever_the_token_and_the_answer() {
    let service = people_may_ask(1, 4).await;
    service
        .get(VIEWER, "/workspaces/depot-south/health")
        .await
        .problem(404, "not-found");
    service
        .get(ADMIN, "/workspaces")
        .await
        .problem(403, "forbidden");
    service
        .get(SYSTEM_ADMIN, "/workspaces?nope=1")
        .await
        .problem(400, "validation");
    service.get(SYSTEM_ADMIN, "/workspaces").await.of(200);
    // It says nothing of whether there is such a workspace.
    service
        .get(VIEWER, "/workspaces/depot-south/health")
        .await
        .problem(429, "rate-limited");
    service
        .get(VIEWER, HEALTH)
        .await
        .problem(429, "rate-limited");
}

#[tokio::test]
async fn others_are_not_held_up() {
    let service = people_may_ask(1, 1).await;
    service.get(VIEWER, HEALTH).await.of(200);
    service
        .get(VIEWER, HEALTH)
        .await
        .problem(429, "rate-limited");
    for _ in 0..20 {
        service.get(READ, HEALTH).await.of(200);
        service
            .get(Caller::Forger, HEALTH)
            .await
            .problem(401, "unauthorized");
        assert_eq!(service.get(Caller::Nobody, "/livez").await.status, 200);
    }
}

#[tokio::test]
async fn machines_can_be_limited_as_well() {
    let service = Service::start_with(|state| {
        state.rates = RateLimits::new(None, rate(1, 2), &state.core.clock);
    })
    .await;
    a_workspace(NORTH).create(&service.fixture).await;
    for _ in 0..2 {
        service.get(READ, HEALTH).await.of(200);
    }
    service.get(READ, HEALTH).await.problem(429, "rate-limited");
    service.get(VIEWER, HEALTH).await.of(200);
}
