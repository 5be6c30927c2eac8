//! The development issuer, judged by the verifier.

use std::path::Path;

use auth::{DEV_CLIENT_ID, DevIssuer, DevIssuerError, InvalidReason, MintRequest, Principal};
use chrono::{DateTime, TimeDelta, Utc};

use crate::issuer::{Answer, CLIENT, ISSUER, World};

fn issuer(dir: &Path) -> DevIssuer {
    DevIssuer::load_or_create(dir, ISSUER).expect("an issuer")
}

async fn trusting(issuer: &DevIssuer) -> World {
    let world = World::with_clients(&[DEV_CLIENT_ID], None).await;
    world.jwks.answers(Answer::Keys(issuer.jwks()));
    world
}

#[tokio::test]
async fn tokens_are_minted_as_asked() {
    let dir = tempfile::tempdir().expect("a directory");
    let issuer = issuer(dir.path());
    let world = trusting(&issuer).await;
    let now = world.clock.now();
    let cases = [
        (
            MintRequest::machine([""; 0]),
            Principal::machine(DEV_CLIENT_ID, [""; 0]),
        ),
        (
            MintRequest::machine(["telematics/ingest", "anything goes"]),
            Principal::machine(DEV_CLIENT_ID, ["telematics/ingest", "anything", "goes"]),
        ),
        (
            MintRequest::user([""; 0]),
            Principal::person("dev-user", DEV_CLIENT_ID, [""; 0]),
        ),
        (
            MintRequest {
                subject: Some("ada".into()),
                ..MintRequest::user(["workspace:w1:admin", "any thing \u{1f69a}"])
            },
            Principal::person(
                "ada",
                DEV_CLIENT_ID,
                ["workspace:w1:admin", "any thing \u{1f69a}"],
            ),
        ),
    ];
    for (request, principal) in cases {
        let token = issuer.mint(&request, now);
        assert_eq!(world.verify(&token).await, Ok(principal), "{request:?}");
    }
}

#[tokio::test]
async fn bad_tokens_are_minted_too() {
    let dir = tempfile::tempdir().expect("a directory");
    let issuer = issuer(dir.path());
    let world = trusting(&issuer).await;
    let mint = |change: fn(&mut MintRequest)| {
        let mut request = MintRequest::machine(["telematics/ingest"]);
        change(&mut request);
        issuer.mint(&request, world.clock.now())
    };
    let expired = mint(|request| request.expires_in_seconds = -31);
    world
        .refuses(&expired, InvalidReason::Expired, "expired")
        .await;
    let absurd = mint(|request| request.expires_in_seconds = i64::MAX);
    world
        .refuses(&absurd, InvalidReason::Claims, "beyond the calendar")
        .await;
    let absurd = mint(|request| request.expires_in_seconds = i64::MIN);
    world
        .refuses(&absurd, InvalidReason::Claims, "before it")
        .await;
    let other_client = mint(|request| request.client_id = Some(CLIENT.into()));
    world
        .refuses(
            &other_client,
            InvalidReason::Client,
            "not on the allow-list",
        )
        .await;
}

#[tokio::test]
async fn a_second_start_honours_the_tokens_of_the_first() {
    let dir = tempfile::tempdir().expect("a directory");
    let (before, after) = (issuer(dir.path()), issuer(dir.path()));
    assert_eq!(before.jwks(), after.jwks());
    let world = trusting(&after).await;
    let now = world.clock.now();
    assert!(
        world
            .verify(&before.mint(&MintRequest::user(["support"]), now))
            .await
            .is_ok()
    );
    assert!(
        world
            .verify(&after.mint(&MintRequest::user(["support"]), now))
            .await
            .is_ok()
    );
}

#[test]
fn all_who_start_at_once_get_the_same_key() {
    let dir = tempfile::tempdir().expect("a directory");
    let data = dir.path().join("not").join("made").join("yet");
    let key_sets: Vec<_> = std::thread::scope(|scope| {
        let starts: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| issuer(&data).jwks()))
            .collect();
        starts
            .into_iter()
            .map(|start| start.join().expect("no panic"))
            .collect()
    });
    assert!(key_sets.iter().all(|keys| *keys == key_sets[0]));
    assert_eq!(
        std::fs::read_dir(&data).expect("the directory").count(),
        1,
        "nothing left over"
    );
}

#[test]
fn two_tokens_are_never_the_same() {
    let dir = tempfile::tempdir().expect("a directory");
    let issuer = issuer(dir.path());
    let request = MintRequest::machine(["telematics/ingest"]);
    let now = DateTime::<Utc>::UNIX_EPOCH + TimeDelta::days(20_000);
    assert_ne!(issuer.mint(&request, now), issuer.mint(&request, now));
}

#[cfg(unix)]
#[test]
fn the_key_is_the_owners_alone() {
    use std::os::unix::fs::PermissionsExt;

    let dir = tempfile::tempdir().expect("a directory");
    issuer(dir.path());
    let file = std::fs::read_dir(dir.path())
        .expect("the directory")
        .next()
        .expect("one file");
    let mode = file
        .and_then(|file| file.metadata())
        .expect("metadata")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_damaged_key_is_not_replaced_in_silence() {
    let dir = tempfile::tempdir().expect("a directory");
    issuer(dir.path());
    let file = std::fs::read_dir(dir.path())
        .expect("the directory")
        .next()
        .expect("one file");
    let path = file.expect("an entry").path();
    std::fs::write(&path, b"half a k").expect("a damaged key");
    let error = DevIssuer::load_or_create(dir.path(), ISSUER).expect_err("unreadable");
    assert!(matches!(&error, DevIssuerError::Unreadable { path: named } if *named == path));
    assert!(error.to_string().contains("dev-issuer"));
}

#[test]
fn a_directory_that_cannot_be_made_is_named() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("file");
    std::fs::write(&file, b"").expect("a file");
    let error = DevIssuer::load_or_create(&file.join("data"), ISSUER).expect_err("no directory");
    assert!(matches!(error, DevIssuerError::File { .. }));
}

#[test]
fn debug_output_names_the_key_and_does_not_show_it() {
    let dir = tempfile::tempdir().expect("a directory");
    let issuer = issuer(dir.path());
    let shown = format!("{issuer:?}");
    assert!(shown.contains(ISSUER));
    assert!(shown.len() < 250, "{shown}");
}
