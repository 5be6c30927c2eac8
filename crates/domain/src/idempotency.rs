//! `Idempotency-Key`: what a request is told that names itself.

use chrono::{DateTime, TimeDelta, Utc};

/// How long an answer is kept for the request that comes again.
pub const KEPT_FOR: TimeDelta = TimeDelta::hours(24);

/// How long a request may be in flight. Longer than any of ours takes: after it, the instance that
/// ran the request is taken for dead.
pub const CLAIMED_FOR: TimeDelta = TimeDelta::seconds(60);

/// SHA-256 of a request's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BodyDigest(pub [u8; 32]);

/// What is held under a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeldKey {
    /// Of the request that claimed the key.
    pub body: BodyDigest,
    /// When it did.
    pub claimed_at: DateTime<Utc>,
    /// Whether its answer is there.
    pub answered: bool,
}

/// What becomes of a request with a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyVerdict {
    /// It is run: the key is free.
    Run,
    /// It has been run: the answer is there.
    Answered,
    /// It is being run.
    InFlight,
    /// The key belongs to another request.
    Reused,
}

/// Judges a request with this body by what is held under its key.
///
/// A claim that has lapsed is free for the same request only: what became of it is not known, so
/// another one may not pass for it.
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
