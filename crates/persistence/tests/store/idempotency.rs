//! Idempotency keys: which request holds a key, and for how long.

use std::collections::BTreeMap;

use domain::idempotency::{BodyDigest, KeptAnswer, KeyName};
use domain::ids::{ClaimToken, WorkspaceId};
use futures::future::join_all;
use persistence::Store;
use testkit::{Fixture, hours, start};

const BODY: BodyDigest = BodyDigest([7; 32]);

fn key(workspace_id: &str, n: u8) -> KeyName {
    KeyName {
        workspace_id: WorkspaceId::try_new(workspace_id).ok(),
        digest: [n; 32],
    }
}

fn answer() -> KeptAnswer {
    KeptAnswer {
        status: 202,
        headers: BTreeMap::from([("etag".to_owned(), "\"7\"".to_owned())]),
        body: vec![0, 159, 146, 150],
    }
}

fn claim(fixture: &Fixture) -> ClaimToken {
    ClaimToken(fixture.core.ids.next(fixture.clock.now()))
}

async fn count(store: &Store) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM idempotency_keys")
        .fetch_one(store.pool())
        .await
        .expect("a count")
}

#[tokio::test]
async fn one_of_sixteen_requests_gets_a_key_that_is_free_or_has_lapsed() {
    let fixture = Fixture::create().await;
    let name = key("north", 1);
    let mut held = None;
    for round in 0..5 {
        let claims: Vec<ClaimToken> = (0..16).map(|_| claim(&fixture)).collect();
        let tries = claims.iter().map(|claim| {
            fixture
                .store()
                .claim_key(&name, BODY, *claim, held, start())
        });
        let got: Vec<bool> = join_all(tries)
            .await
            .into_iter()
            .map(|got| got.expect("the store"))
            .collect();
        assert_eq!(got.iter().filter(|got| **got).count(), 1, "round {round}");
        let winner = claims[got.iter().position(|got| *got).expect("a winner")];
        let record = fixture.store().held_key(&name).await.expect("the store");
        assert_eq!(record.expect("a record").claim, winner);
        held = Some(winner);
    }
}

#[tokio::test]
async fn only_the_latest_claim_stores_an_answer_or_releases_the_key() {
    let fixture = Fixture::create().await;
    let store = fixture.store();
    let name = key("", 1);
    let (first, second) = (claim(&fixture), claim(&fixture));
    assert!(
        store
            .claim_key(&name, BODY, first, None, start())
            .await
            .expect("the store")
    );
    assert!(
        store
            .claim_key(&name, BODY, second, Some(first), start())
            .await
            .expect("the store")
    );
    store.release_key(&name, first).await.expect("the store");
    assert!(
        !store
            .keep_answer(&name, first, &answer())
            .await
            .expect("the store")
    );
    assert!(
        store
            .keep_answer(&name, second, &answer())
            .await
            .expect("the store")
    );
    store.release_key(&name, second).await.expect("the store");
    let record = store
        .held_key(&name)
        .await
        .expect("the store")
        .expect("a record");
    assert_eq!(record.answer, Some(answer()), "an answer is not released");
    assert!(record.held.answered);

    let third = claim(&fixture);
    assert!(
        store
            .claim_key(&name, BODY, third, Some(second), start())
            .await
            .expect("the store")
    );
    let record = store
        .held_key(&name)
        .await
        .expect("the store")
        .expect("a record");
    assert_eq!(
        (record.claim, record.answer),
        (third, None),
        "whoever takes it over starts anew"
    );
}

#[tokio::test]
async fn workspaces_do_not_share_keys() {
    let fixture = Fixture::create().await;
    let store = fixture.store();
    for workspace_id in ["", "north", "south"] {
        let claim = claim(&fixture);
        let name = key(workspace_id, 1);
        assert!(
            store
                .claim_key(&name, BODY, claim, None, start())
                .await
                .expect("the store")
        );
    }
    assert_eq!(count(store).await, 3);
}

#[tokio::test]
async fn only_expired_keys_are_removed_and_some_of_each_workspace_at_a_time() {
    let fixture = Fixture::create().await;
    let store = fixture.store();
    for workspace_id in ["", "north", "south", "west"] {
        for n in 0..5 {
            // Two are old, in all workspaces but the last.
            let old = n < 2 && workspace_id != "west";
            let claimed_at = if old { start() - hours(24) } else { start() };
            let name = key(workspace_id, n);
            assert!(
                store
                    .claim_key(&name, BODY, claim(&fixture), None, claimed_at)
                    .await
                    .expect("the store")
            );
            store
                .keep_answer(&name, claim(&fixture), &answer())
                .await
                .expect("the store");
        }
    }
    let until = start() - hours(24);
    assert_eq!(
        store
            .remove_expired_keys(until, 1)
            .await
            .expect("the store"),
        3
    );
    let instances = [
        fixture.database.another_store(),
        fixture.database.another_store(),
    ];
    let (one, other) = tokio::join!(
        instances[0].remove_expired_keys(until, 100),
        instances[1].remove_expired_keys(until, 100),
    );
    assert_eq!(one.expect("the store") + other.expect("the store"), 3);
    assert_eq!(
        store
            .remove_expired_keys(until, 100)
            .await
            .expect("the store"),
        0
    );
    assert_eq!(count(store).await, 20 - 6);
}
