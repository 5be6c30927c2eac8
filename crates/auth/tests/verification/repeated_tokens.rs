//! The same token with every request: cheap, and no longer valid than it says.

use auth::InvalidReason::{Expired, Signature};
use chrono::TimeDelta;

use crate::issuer::{STRANGER, World, header, machine, person, signed, token};

#[tokio::test]
async fn a_token_that_was_good_expires_all_the_same() {
    let world = World::new().await;
    let good = token(&machine());
    let first = world.verify(&good).await.expect("good for an hour");
    world.clock.advance(TimeDelta::milliseconds(3_629_999));
    assert_eq!(world.verify(&good).await, Ok(first), "within the leeway");
    world.clock.advance(TimeDelta::milliseconds(1));
    world
        .refuses(&good, Expired, "an hour and the leeway later")
        .await;
    world.refuses(&good, Expired, "and again").await;
}

#[tokio::test]
async fn a_forgery_is_refused_however_often_the_original_was_accepted() {
    let world = World::new().await;
    let claims = machine().to_string();
    assert!(world.verify(&token(&machine())).await.is_ok());
    let forged = signed(&header().to_string(), &claims, &STRANGER);
    for _ in 0..3 {
        world
            .refuses(&forged, Signature, "same claims, another key")
            .await;
        assert!(world.verify(&token(&machine())).await.is_ok());
    }
}

#[tokio::test]
async fn tokens_are_not_mixed_up() {
    let world = World::new().await;
    let tokens = [
        token(&machine()),
        token(&person(&["support"])),
        token(&person(&[])),
    ];
    for _ in 0..2 {
        let (machine, staff, anybody) = (
            world.verify(&tokens[0]).await.expect("a machine"),
            world.verify(&tokens[1]).await.expect("staff"),
            world.verify(&tokens[2]).await.expect("a person"),
        );
        assert!(machine.has_scope("telematics/ingest"));
        assert!(staff.is_staff());
        assert!(!anybody.is_staff());
    }
}

#[tokio::test]
async fn debug_output_holds_no_token() {
    let world = World::new().await;
    let good = token(&machine());
    let principal = world.verify(&good).await.expect("a good token");
    let shown = format!("{:?} {principal:?}", world.verifier);
    for part in good.split('.') {
        assert!(!shown.contains(part));
    }
}
