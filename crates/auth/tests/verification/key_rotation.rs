//! Keys come and go at the issuer; the verifier follows without asking too often.

use std::sync::Arc;

use auth::InvalidReason::UnknownKey;
use auth::VerifyError;
use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::issuer::{
    Answer, FIRST, NOW, SECOND, World, eventually, jwk, machine, token, token_with_kid, with,
};

#[tokio::test]
async fn every_published_key_counts() {
    let world = World::new().await;
    world
        .jwks
        .publishes(&[("second", &SECOND), ("first", &FIRST)]);
    assert!(
        world
            .verify(&token_with_kid("second", &SECOND))
            .await
            .is_ok()
    );
    assert!(world.verify(&token_with_kid("first", &FIRST)).await.is_ok());
    assert_eq!(world.jwks.fetches(), 1);
}

#[tokio::test]
async fn a_new_key_is_found_with_one_fetch() {
    let world = World::new().await;
    assert!(world.verify(&token(&machine())).await.is_ok());
    world
        .jwks
        .publishes(&[("first", &FIRST), ("second", &SECOND)]);
    assert!(
        world
            .verify(&token_with_kid("second", &SECOND))
            .await
            .is_ok()
    );
    assert!(
        world
            .verify(&token_with_kid("second", &SECOND))
            .await
            .is_ok()
    );
    assert_eq!(world.jwks.fetches(), 2);
}

/// The issuer may rotate its keys right after our start, too.
#[tokio::test]
async fn warming_up_does_not_use_up_the_fetch_for_an_unknown_key() {
    let world = World::new().await;
    world.verifier.warm_up().await;
    world.verifier.warm_up().await;
    assert_eq!(world.jwks.fetches(), 1, "once is enough");
    assert!(world.verify(&token(&machine())).await.is_ok());
    assert_eq!(world.jwks.fetches(), 1, "the first token found them");

    world
        .jwks
        .publishes(&[("first", &FIRST), ("second", &SECOND)]);
    assert!(
        world
            .verify(&token_with_kid("second", &SECOND))
            .await
            .is_ok()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_hundred_callers_without_keys_share_one_fetch() {
    let world = Arc::new(World::new().await);
    let good = token(&machine());
    let calls: Vec<_> = (0..200)
        .map(|_| {
            let (world, good) = (Arc::clone(&world), good.clone());
            tokio::spawn(async move { world.verify(&good).await })
        })
        .collect();
    for call in calls {
        assert!(call.await.expect("no panic").is_ok());
    }
    assert_eq!(world.jwks.fetches(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn made_up_key_ids_cost_one_fetch_per_cooldown() {
    let world = Arc::new(World::new().await);
    assert!(world.verify(&token(&machine())).await.is_ok());
    let made_up = async || {
        let calls: Vec<_> = (0..200)
            .map(|n| {
                let world = Arc::clone(&world);
                let token = token_with_kid(&format!("made-up-{n}"), &FIRST);
                tokio::spawn(async move { world.verify(&token).await })
            })
            .collect();
        for call in calls {
            let refused = Err(VerifyError::Invalid(UnknownKey));
            assert_eq!(call.await.expect("no panic"), refused);
        }
    };

    made_up().await;
    assert_eq!(world.jwks.fetches(), 2, "one for all of them");
    world.clock.advance(TimeDelta::milliseconds(9_999));
    made_up().await;
    assert_eq!(world.jwks.fetches(), 2, "none within the cooldown");
    world.clock.advance(TimeDelta::milliseconds(1));
    made_up().await;
    assert_eq!(world.jwks.fetches(), 3);
    assert!(world.verify(&token(&machine())).await.is_ok());
}

/// Whoever makes up ids and does not wait gets no more fetches out of it.
#[tokio::test]
async fn hanging_up_does_not_shorten_the_cooldown() {
    let world = Arc::new(World::new().await);
    assert!(world.verify(&token(&machine())).await.is_ok());
    world
        .jwks
        .publishes(&[("first", &FIRST), ("second", &SECOND)]);
    let caller = tokio::spawn({
        let world = Arc::clone(&world);
        async move { world.verify(&token_with_kid("made-up", &FIRST)).await }
    });
    // On one thread, so that it is at the fetch before that can be answered.
    tokio::task::yield_now().await;
    caller.abort();
    // Joins that fetch, and so is there when it is over.
    assert!(
        world
            .verify(&token_with_kid("second", &SECOND))
            .await
            .is_ok()
    );
    world
        .refuses(&token_with_kid("made-up", &FIRST), UnknownKey, "again")
        .await;
    assert_eq!(world.jwks.fetches(), 2);
}

#[tokio::test]
async fn keys_that_are_not_for_us_are_unknown() {
    let world = World::new().await;
    let small = with(jwk("first", &FIRST), "n", "_".repeat(171));
    for (case, unusable) in [
        ("for encryption", with(jwk("first", &FIRST), "use", "enc")),
        (
            "for another algorithm",
            with(jwk("first", &FIRST), "alg", "RS512"),
        ),
        ("of another type", with(jwk("first", &FIRST), "kty", "EC")),
        (
            "a secret",
            json!({"kty": "oct", "kid": "first", "k": "c2VjcmV0"}),
        ),
        ("of 1024 bits", small),
        (
            "without an id",
            with(jwk("first", &FIRST), "kid", Value::Null),
        ),
    ] {
        world.jwks.answers(Answer::Keys(
            json!({"keys": [unusable, jwk("second", &SECOND)]}),
        ));
        world.refuses(&token(&machine()), UnknownKey, case).await;
        assert!(
            world
                .verify(&token_with_kid("second", &SECOND))
                .await
                .is_ok()
        );
        world.clock.advance(TimeDelta::seconds(10));
    }
}

#[tokio::test]
async fn a_withdrawn_key_is_trusted_for_an_hour_and_a_refresh() {
    let world = World::new().await;
    let good = token(&with(machine(), "exp", NOW + 86_400));
    assert!(world.verify(&good).await.is_ok());
    world.jwks.publishes(&[("second", &SECOND)]);

    world.clock.advance(TimeDelta::milliseconds(3_599_999));
    assert!(world.verify(&good).await.is_ok());
    assert_eq!(world.jwks.fetches(), 1, "not before the hour is over");

    world.clock.advance(TimeDelta::milliseconds(1));
    assert!(
        world.verify(&good).await.is_ok(),
        "nobody waits for the refresh"
    );
    let refused = Err(VerifyError::Invalid(UnknownKey));
    eventually(async || world.verify(&good).await == refused).await;
    assert!(
        world
            .verify(&token_with_kid("second", &SECOND))
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn another_key_under_a_known_id_replaces_it() {
    let world = World::new().await;
    let good = token(&machine());
    assert!(world.verify(&good).await.is_ok());
    world.jwks.publishes(&[("first", &SECOND)]);
    world.clock.advance(TimeDelta::minutes(59));
    assert!(
        world
            .verify(&token_with_kid("first", &SECOND))
            .await
            .is_err(),
        "not fetched yet"
    );
    assert!(
        world
            .verify(&token_with_kid("made-up", &SECOND))
            .await
            .is_err()
    );
    assert!(
        world
            .verify(&token_with_kid("first", &SECOND))
            .await
            .is_ok()
    );
    assert!(
        world.verify(&good).await.is_err(),
        "verified before, by a key that is gone"
    );
}
