//! A request that names itself is run once.

use std::collections::BTreeMap;

use application::idempotency::{KeyClaim, claim_key, keep_answer, release_key};
use application::{Core, maintain};
use domain::idempotency::{BodyDigest, CLAIMED_FOR, KEPT_FOR, KeptAnswer, KeyName};
use domain::ids::{ClaimToken, WorkspaceId};
use futures::future::join_all;
use testkit::{Fixture, eventually, seconds};
use tokio_util::sync::CancellationToken;

const BODY: BodyDigest = BodyDigest([1; 32]);
const OTHER: BodyDigest = BodyDigest([2; 32]);

fn key() -> KeyName {
    KeyName {
        workspace_id: WorkspaceId::try_new("north").ok(),
        digest: [9; 32],
    }
}

fn answer() -> KeptAnswer {
    KeptAnswer {
        status: 200,
        headers: BTreeMap::new(),
        body: b"{}".to_vec(),
    }
}

async fn told(core: &Core, body: BodyDigest) -> KeyClaim {
    claim_key(core, &key(), body).await.expect("the store")
}

#[track_caller]
fn granted(claim: KeyClaim) -> ClaimToken {
    match claim {
        KeyClaim::Granted(token) => token,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn of_sixteen_at_once_on_two_instances_one_is_run_and_all_get_its_answer() {
    let fixture = Fixture::create().await;
    let instances = [fixture.core.clone(), fixture.another_instance()];
    let tasks = (0..16).map(|n| {
        let core = instances[n % 2].clone();
        tokio::spawn(async move { told(&core, BODY).await })
    });
    let mut runs = Vec::new();
    for told in join_all(tasks).await {
        match told.expect("a task") {
            KeyClaim::Granted(token) => runs.push(token),
            KeyClaim::InFlight => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(runs.len(), 1);
    keep_answer(&instances[0], &key(), runs[0], &answer())
        .await
        .expect("the store");
    for core in &instances {
        assert!(matches!(told(core, BODY).await, KeyClaim::Answered(kept) if kept == answer()));
        assert!(matches!(told(core, OTHER).await, KeyClaim::Reused));
    }
}

#[tokio::test]
async fn a_released_key_is_free_for_any_request() {
    let fixture = Fixture::create().await;
    let claim = granted(told(&fixture.core, BODY).await);
    assert!(matches!(told(&fixture.core, OTHER).await, KeyClaim::Reused));
    release_key(&fixture.core, &key(), claim)
        .await
        .expect("the store");
    granted(told(&fixture.core, OTHER).await);
}

#[tokio::test]
async fn a_killed_instances_claim_lapses_and_one_of_sixteen_takes_over() {
    let fixture = Fixture::create().await;
    let dead = granted(told(&fixture.core, BODY).await);
    fixture.clock.advance(CLAIMED_FOR - seconds(1));
    assert!(matches!(
        told(&fixture.core, BODY).await,
        KeyClaim::InFlight
    ));
    fixture.clock.advance(seconds(1));
    let claims = join_all((0..16).map(|_| told(&fixture.core, BODY))).await;
    let taken: Vec<ClaimToken> = claims
        .into_iter()
        .filter_map(|claim| match claim {
            KeyClaim::Granted(token) => Some(token),
            _ => None,
        })
        .collect();
    assert_eq!(taken.len(), 1);
    // The dead comes back: what it has to say is not kept.
    keep_answer(&fixture.core, &key(), dead, &answer())
        .await
        .expect("the store");
    assert!(matches!(
        told(&fixture.core, BODY).await,
        KeyClaim::InFlight
    ));
}

#[tokio::test]
async fn after_a_day_a_key_counts_for_nothing_and_then_it_is_gone() {
    let fixture = Fixture::create().await;
    let claim = granted(told(&fixture.core, BODY).await);
    keep_answer(&fixture.core, &key(), claim, &answer())
        .await
        .expect("the store");
    fixture.clock.advance(KEPT_FOR - seconds(1));
    assert!(matches!(
        told(&fixture.core, BODY).await,
        KeyClaim::Answered(_)
    ));
    fixture.clock.advance(seconds(1));
    let again = granted(told(&fixture.core, OTHER).await);
    keep_answer(&fixture.core, &key(), again, &answer())
        .await
        .expect("the store");

    fixture.clock.advance(KEPT_FOR);
    let shutdown = CancellationToken::new();
    let maintenance = tokio::spawn(maintain(fixture.core.clone(), shutdown.clone()));
    eventually("no key is left", async || {
        fixture
            .store()
            .held_key(&key())
            .await
            .expect("the store")
            .is_none()
    })
    .await;
    shutdown.cancel();
    maintenance.await.expect("it ends");
}
