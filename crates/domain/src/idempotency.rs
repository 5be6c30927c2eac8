//! The rules of `Idempotency-Key`: the answer to a request that comes again under its key.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use crate::ids::WorkspaceId;

/// The time for which an answer is kept for a request that comes again.
pub const KEPT_FOR: TimeDelta = TimeDelta::hours(24);

/// The time for which a request may be in flight, longer than any of ours takes. After it, the instance that
/// ran the request is taken for dead.
pub const CLAIMED_FOR: TimeDelta = TimeDelta::seconds(60);

/// The SHA-256 digest of a request's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BodyDigest(pub [u8; 32]);

/// The name of a key: one key of one client on one route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyName {
    /// The workspace of the path, where the path names one.
    pub workspace_id: Option<WorkspaceId>,
    /// SHA-256 of client, route and key.
    pub digest: [u8; 32],
}

/// The answer of a request with a key, as it was given the first time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The headers that belong to the body, by lower-case name.
    pub headers: BTreeMap<String, String>,
    /// The body, byte for byte.
    pub body: Vec<u8>,
}

/// The record that is held under a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeldKey {
    /// The digest of the request that claimed the key.
    pub body: BodyDigest,
    /// The instant at which the request claimed the key.
    pub claimed_at: DateTime<Utc>,
    /// Whether the answer to the request is there.
    pub answered: bool,
}

/// The decision on a request with a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyVerdict {
    /// The request is run: the key is free.
    Run,
    /// The request has been run: the answer is there.
    Answered,
    /// The request is being run.
    InFlight,
    /// The key belongs to another request.
    Reused,
}

/// Judges a request by the digest of its body and by what is held under its key.
///
/// A claim that has lapsed is free for the same request only: its outcome is not known, so another request
/// may not pass for it.
pub fn judge(held: Option<&HeldKey>, body: BodyDigest, now: DateTime<Utc>) -> KeyVerdict {
    let Some(held) = held.filter(|held| now < held.claimed_at + KEPT_FOR) else {
        return KeyVerdict::Run;
    };
    if held.body != body {
        KeyVerdict::Reused
    } else if held.answered {
        KeyVerdict::Answered
    } else if now < held.claimed_at + CLAIMED_FOR {
        KeyVerdict::InFlight
    } else {
        KeyVerdict::Run
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: BodyDigest = BodyDigest([1; 32]);
    const OTHER: BodyDigest = BodyDigest([2; 32]);
    const MICROSECOND: TimeDelta = TimeDelta::microseconds(1);

    #[test]
    fn a_key_that_nothing_is_held_under_is_free() {
        assert_eq!(judge(None, BODY, DateTime::UNIX_EPOCH), KeyVerdict::Run);
    }

    #[test]
    fn each_end_comes_at_its_microsecond() {
        use KeyVerdict::{Answered, InFlight, Reused, Run};
        for (answered, age, same, other) in [
            (false, TimeDelta::zero(), InFlight, Reused),
            (false, CLAIMED_FOR - MICROSECOND, InFlight, Reused),
            (false, CLAIMED_FOR, Run, Reused),
            (false, KEPT_FOR - MICROSECOND, Run, Reused),
            (false, KEPT_FOR, Run, Run),
            (true, TimeDelta::zero(), Answered, Reused),
            (true, KEPT_FOR - MICROSECOND, Answered, Reused),
            (true, KEPT_FOR, Run, Run),
            // Another instance's clock may be ahead.
            (true, -CLAIMED_FOR, Answered, Reused),
        ] {
            let held = HeldKey {
                body: BODY,
                claimed_at: DateTime::UNIX_EPOCH,
                answered,
            };
            let now = held.claimed_at + age;
            assert_eq!(judge(Some(&held), BODY, now), same, "{answered} {age}");
            assert_eq!(judge(Some(&held), OTHER, now), other, "{answered} {age}");
        }
    }
}
