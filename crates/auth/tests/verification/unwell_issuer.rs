//! The issuer is down, slow or talks nonsense.

use std::sync::Arc;
use std::time::Duration;

use auth::InvalidReason::UnknownKey;
use auth::VerifyError;
use axum::http::StatusCode;
use chrono::TimeDelta;
use serde_json::json;

use crate::issuer::{
    Answer, FIRST, NOW, SECOND, World, eventually, header, jwk, key_set, machine, signed, token,
    token_with_kid, with,
};

fn nonsense() -> Vec<(&'static str, Answer)> {
    let text = |text: &str| Answer::Text(StatusCode::OK, text.to_owned());
    let good = key_set(&[("first", &FIRST)]).to_string();
    let many: Vec<_> = (0..33).map(|n| jwk(&n.to_string(), &FIRST)).collect();
    vec![
        (
            "status 500",
            Answer::Text(StatusCode::INTERNAL_SERVER_ERROR, good.clone()),
        ),
        (
            "status 404",
            Answer::Text(StatusCode::NOT_FOUND, good.clone()),
        ),
        (
            "status 203",
            Answer::Text(StatusCode::NON_AUTHORITATIVE_INFORMATION, good.clone()),
        ),
        ("elsewhere", Answer::Redirect),
        ("HTML", text("<html><body>Sorry</body></html>")),
        ("nothing", text("")),
        ("half a document", text(&good[..good.len() / 2])),
        ("no keys member", text("{}")),
        ("no keys", text(r#"{"keys":[]}"#)),
        ("keys no array", text(r#"{"keys":{"first":{}}}"#)),
        ("33 keys", Answer::Keys(json!({"keys": many}))),
        ("5 MB", text(&format!("{good}{}", " ".repeat(5 << 20)))),
        (
            "just above 64 KiB",
            text(&format!("{good}{}", " ".repeat(65_537 - good.len()))),
        ),
        ("without end", Answer::Endless),
    ]
}

#[tokio::test]
async fn without_keys_ever_it_is_the_services_fault() {
    for (case, answer) in nonsense() {
        let world = World::new().await;
        world.jwks.answers(answer);
        let verdict = world.verify(&token(&machine())).await;
        assert_eq!(verdict, Err(VerifyError::KeysUnavailable), "{case}");
        assert_eq!(
            world.jwks.fetches(),
            1,
            "{case}: no redirect followed, no retry"
        );
    }
}

#[tokio::test]
async fn keys_once_had_serve_on() {
    let world = World::new().await;
    assert!(world.verify(&token(&machine())).await.is_ok());
    for (case, answer) in nonsense() {
        world.jwks.answers(answer);
        world.clock.advance(TimeDelta::seconds(10));
        let before = world.jwks.fetches();
        // An id that nobody knows makes the verifier ask.
        world
            .refuses(&token_with_kid("made-up", &FIRST), UnknownKey, case)
            .await;
        assert_eq!(world.jwks.fetches(), before + 1, "{case}");
        assert!(world.verify(&token(&machine())).await.is_ok(), "{case}");
    }
}

#[tokio::test]
async fn a_document_may_be_64_kib_long() {
    let world = World::new().await;
    let good = key_set(&[("first", &FIRST)]).to_string();
    let filled = format!("{good}{}", " ".repeat(65_536 - good.len()));
    world.jwks.answers(Answer::Text(StatusCode::OK, filled));
    assert!(world.verify(&token(&machine())).await.is_ok());
}

#[tokio::test]
async fn a_failed_refresh_is_tried_again_after_the_cooldown() {
    let world = World::new().await;
    // The clock moves by more than an hour here.
    let for_a_day = with(machine(), "exp", NOW + 86_400);
    let good = token(&for_a_day);
    assert!(world.verify(&good).await.is_ok());
    world
        .jwks
        .answers(Answer::Text(StatusCode::SERVICE_UNAVAILABLE, String::new()));
    world.clock.advance(TimeDelta::hours(1));
    assert!(world.verify(&good).await.is_ok());
    eventually(async || world.jwks.fetches() == 2).await;

    world.jwks.publishes(&[("second", &SECOND)]);
    assert!(world.verify(&good).await.is_ok(), "stale keys serve");
    eventually(async || {
        world.clock.advance(TimeDelta::seconds(10));
        world.verify(&good).await == Err(VerifyError::Invalid(UnknownKey))
    })
    .await;
    let second = with(header(), "kid", "second").to_string();
    let by_second = signed(&second, &for_a_day.to_string(), &SECOND);
    assert!(world.verify(&by_second).await.is_ok());
}

#[tokio::test]
async fn the_first_keys_are_asked_for_once_a_second() {
    let world = World::new().await;
    world
        .jwks
        .answers(Answer::Text(StatusCode::BAD_GATEWAY, String::new()));
    let good = token(&machine());
    for _ in 0..10 {
        assert_eq!(world.verify(&good).await, Err(VerifyError::KeysUnavailable));
    }
    assert_eq!(world.jwks.fetches(), 1);
    world.jwks.publishes(&[("first", &FIRST)]);
    world.clock.advance(TimeDelta::seconds(1));
    assert!(world.verify(&good).await.is_ok());
}

#[tokio::test]
async fn a_silent_issuer_does_not_hold_up_known_keys() {
    let world = Arc::new(World::new().await);
    assert!(world.verify(&token(&machine())).await.is_ok());
    world.jwks.answers(Answer::Silence);
    let waiting = tokio::spawn({
        let world = Arc::clone(&world);
        async move { world.verify(&token_with_kid("made-up", &FIRST)).await }
    });
    eventually(async || world.jwks.fetches() == 2).await;
    world
        .clock
        .advance(TimeDelta::hours(1) - TimeDelta::seconds(1));

    let fresh = token(&with(machine(), "jti", "not seen before"));
    for token in [token(&machine()), fresh] {
        assert!(world.verify(&token).await.is_ok());
    }
    assert!(
        !waiting.is_finished(),
        "they waited until the silent issuer was given up"
    );
    waiting.abort();
}

#[tokio::test]
async fn a_caller_who_hangs_up_does_not_end_the_fetch_of_others() {
    let world = Arc::new(World::new().await);
    let call = || {
        let world = Arc::clone(&world);
        tokio::spawn(async move { world.verify(&token(&machine())).await })
    };
    // On one thread, so that both are at the fetch before it can be answered.
    let (first, second) = (call(), call());
    tokio::task::yield_now().await;
    first.abort();
    assert!(second.await.expect("no panic").is_ok());
    assert_eq!(world.jwks.fetches(), 1);
}

/// The runtime's time stands still and jumps when everybody waits, so this takes no three seconds.
#[tokio::test(start_paused = true)]
async fn a_silent_issuer_is_given_three_seconds() {
    let world = World::new().await;
    world.jwks.answers(Answer::Silence);
    let start = tokio::time::Instant::now();
    assert_eq!(
        world.verify(&token(&machine())).await,
        Err(VerifyError::KeysUnavailable)
    );
    let waited = start.elapsed();
    let three_seconds = Duration::from_secs(3)..=Duration::from_millis(3_100);
    assert!(three_seconds.contains(&waited), "{waited:?}");
}

#[tokio::test]
async fn a_verifier_whose_issuer_does_not_listen_has_no_keys() {
    let world = World::new().await;
    let World {
        clock,
        verifier,
        jwks,
    } = world;
    drop(jwks);
    // The server's task ends at its next turn.
    tokio::task::yield_now().await;
    assert_eq!(
        verifier.verify(&token(&machine())).await,
        Err(VerifyError::KeysUnavailable)
    );
    drop(clock);
}
