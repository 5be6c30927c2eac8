//! Idempotency keys: a request that names itself is run once, and its answer kept for a day.
//!
//! Claim, run, keep the answer or release the key. The claim and the answer are not of the request's
//! own transaction: an instance that is killed in between leaves a claim that lapses, and the request
//! is then run again. Every POST of ours survives that: updates are duplicates, a slot has one cycle,
//! a rollback changes nothing.

use domain::idempotency::{BodyDigest, KEPT_FOR, KeptAnswer, KeyName, KeyVerdict, judge};
use domain::ids::ClaimToken;
use persistence::StorageError;

use crate::Core;

/// How often a request looks again that others with its key were faster than.
const TRIES_TO_CLAIM: u32 = 5;

/// Expired keys of a workspace that are removed at once, so that no statement takes long, and how
/// often in a row; what is left waits for the next time.
const EXPIRED_AT_ONCE: i64 = 500;
const TIMES_IN_A_ROW: usize = 20;

/// What a request with a key is told.
#[derive(Debug)]
pub enum KeyClaim {
    /// It is to be run, and then [`keep_answer`] or [`release_key`] to be called with this.
    Granted(ClaimToken),
    /// This is its answer.
    Answered(KeptAnswer),
    /// It is being run.
    InFlight,
    /// The key belongs to a request with another body.
    Reused,
}

/// Claims a key for a request with this body.
///
/// # Errors
/// When the store fails.
pub async fn claim_key(
    core: &Core,
    name: &KeyName,
    body: BodyDigest,
) -> Result<KeyClaim, StorageError> {
    for _ in 0..TRIES_TO_CLAIM {
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
    // Somebody with this key came first each time, and was refused.
    Ok(KeyClaim::InFlight)
}

/// Keeps the answer of a request that has been run, for when it comes again.
///
/// # Errors
/// When the store fails.
pub async fn keep_answer(
    core: &Core,
    name: &KeyName,
    claim: ClaimToken,
    answer: &KeptAnswer,
) -> Result<(), StorageError> {
    if !core.store.keep_answer(name, claim, answer).await? {
        tracing::warn!(
            "a request outlived the claim on its idempotency key and has been run again"
        );
    }
    Ok(())
}

/// Frees the key of a request that has changed nothing.
///
/// # Errors
/// When the store fails.
pub async fn release_key(
    core: &Core,
    name: &KeyName,
    claim: ClaimToken,
) -> Result<(), StorageError> {
    core.store.release_key(name, claim).await
}

/// Removes keys whose day is over; they count for nothing already.
pub(crate) async fn remove_expired_keys(core: &Core) -> Result<(), StorageError> {
    let until = core.clock.now() - KEPT_FOR;
    for _ in 0..TIMES_IN_A_ROW {
        if core
            .store
            .remove_expired_keys(until, EXPIRED_AT_ONCE)
            .await?
            == 0
        {
            break;
        }
    }
    Ok(())
}
