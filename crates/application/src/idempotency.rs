//! Idempotency keys: a request with a key is run once, and its answer is kept for a day.
//!
//! The caller claims the key, runs the request, and then keeps the answer or releases the key. Claim and answer are
//! written outside of the request's own transaction. An instance that is killed between the two leaves a claim that
//! expires, and the request is then run again. Every POST endpoint allows a second run: repeated updates are
//! duplicates, a slot has one cycle, and a repeated rollback changes nothing.

use domain::idempotency::{BodyDigest, KEPT_FOR, KeptAnswer, KeyName, KeyVerdict, judge};
use domain::ids::ClaimToken;
use persistence::StorageError;

use crate::Core;

/// How often a request tries to claim its key while other requests with the same key are faster.
const CLAIM_ATTEMPTS: u32 = 5;

/// The number of expired keys that one statement removes, so that no statement takes long.
const REMOVAL_BATCH: i64 = 500;
/// The number of statements in one removal. Keys that are left wait for the next removal.
const BATCHES_PER_REMOVAL: usize = 20;

/// The result of a request's claim on its key.
#[derive(Debug)]
pub enum KeyClaim {
    /// The request is to be run. The caller then passes this token to [`keep_answer`] or [`release_key`].
    Granted(ClaimToken),
    /// The request was run before, with this answer.
    Answered(KeptAnswer),
    /// The same request is being run now.
    InFlight,
    /// The key was used before, by a request with another body.
    Reused,
}

/// Claims a key for a request with this body, unless the key is in use or already has an answer.
///
/// # Errors
/// [`StorageError`] if the store fails.
pub async fn claim_key(
    core: &Core,
    name: &KeyName,
    body: BodyDigest,
) -> Result<KeyClaim, StorageError> {
    for _ in 0..CLAIM_ATTEMPTS {
        let now = core.clock.now();
        let record = core.store.held_key(name).await?;
        match judge(record.as_ref().map(|record| &record.held), body, now) {
            KeyVerdict::Run => {}
            KeyVerdict::InFlight => return Ok(KeyClaim::InFlight),
            KeyVerdict::Reused => return Ok(KeyClaim::Reused),
            KeyVerdict::Answered => match record.and_then(|record| record.answer) {
                Some(answer) => return Ok(KeyClaim::Answered(answer)),
                None => continue,
            },
        }
        let claim = ClaimToken(core.ids.next(now));
        let replaces = record.map(|record| record.claim);
        if core
            .store
            .claim_key(name, body, claim, replaces, now)
            .await?
        {
            return Ok(KeyClaim::Granted(claim));
        }
    }
    // At each attempt another request with this key was faster, and then released the key.
    Ok(KeyClaim::InFlight)
}

/// Keeps the answer of a request that was run, so that a repeated request gets the same answer.
///
/// # Errors
/// [`StorageError`] if the store fails.
pub async fn keep_answer(
    core: &Core,
    name: &KeyName,
    claim: ClaimToken,
    answer: &KeptAnswer,
) -> Result<(), StorageError> {
    if !core.store.keep_answer(name, claim, answer).await? {
        tracing::warn!(
            "a request ran longer than the claim on its idempotency key, and another request with the key was run: \
             its answer is not kept"
        );
    }
    Ok(())
}

/// Releases the key of a request that changed nothing, so that the request can be sent again.
///
/// # Errors
/// [`StorageError`] if the store fails.
pub async fn release_key(
    core: &Core,
    name: &KeyName,
    claim: ClaimToken,
) -> Result<(), StorageError> {
    core.store.release_key(name, claim).await
}

/// Removes the keys that are older than a day. Such keys have no effect any more.
pub(crate) async fn remove_expired_keys(core: &Core) -> Result<(), StorageError> {
    let until = core.clock.now() - KEPT_FOR;
    for _ in 0..BATCHES_PER_REMOVAL {
        if core.store.remove_expired_keys(until, REMOVAL_BATCH).await? == 0 {
            break;
        }
    }
    Ok(())
}
