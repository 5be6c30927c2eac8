//! The kinds of traffic: the requests of each kind, its share of the traffic, and the expected outcomes.

mod bodies;
mod callers;
mod connections;
mod form;
mod honest;
mod requests;

use rand::Rng as _;
use rand_chacha::ChaCha8Rng;

use super::attempt::{Attempt, Outcome};
use super::stage::Stage;

use Outcome::{Closed, GaveUp, Left, Status};

/// A kind of traffic.
pub(crate) struct TrafficKind {
    pub(crate) name: &'static str,
    /// The kind's share of the traffic, relative to the other kinds' weights.
    weight: u32,
    pub(crate) is_honest: bool,
    /// The outcomes that are right.
    pub(crate) expected: &'static [Outcome],
    pub(crate) make: Make,
}

/// A function that makes one attempt of a kind.
type Make = fn(&Stage, &mut ChaCha8Rng) -> Attempt;

macro_rules! kinds {
    ($($weight:literal $manner:ident $name:literal $make:path => $($expected:expr),+;)+) => {
        &[$(TrafficKind {
            name: $name,
            weight: $weight,
            is_honest: kinds!($manner),
            expected: &[$($expected),+],
            make: $make,
        },)+]
    };
    (honest) => { true };
    (hostile) => { false };
}

/// All kinds of traffic. Half of the traffic is honest.
pub(crate) const KINDS: &[TrafficKind] = kinds! {
    140 honest "a viewer's health" honest::health => Status(200);
    80 honest "a viewer's snapshots" honest::snapshots => Status(200);
    80 honest "a viewer's devices, policy, cycles" honest::configuration => Status(200);
    20 honest "staff's list of workspaces" honest::workspaces => Status(200);
    60 honest "a machine's snapshot" honest::snapshot => Status(200);
    100 honest "a batch" honest::batch => Status(200);
    20 honest "a compressed batch" honest::compressed_batch => Status(200);

    30 hostile "no token" callers::no_token => Status(401);
    15 hostile "another scheme, or two tokens" callers::another_scheme_or_two_tokens => Status(401);
    20 hostile "rubbish for a token" callers::rubbish => Status(401);
    30 hostile "an expired token" callers::expired => Status(401);
    30 hostile "a forged token" callers::forged => Status(401);
    20 hostile "a token by a key that nobody knows" callers::by_a_stranger => Status(401);
    20 hostile "a scope for something else" callers::another_scope => Status(403);
    20 hostile "a person where a machine or an admin may" callers::a_person_instead => Status(403);
    20 hostile "a workspace of others, or of nobody" callers::another_workspace => Status(404);

    20 hostile "an unknown route" requests::unknown_route => Status(404);
    15 hostile "an unknown method" requests::unknown_method => Status(405);
    20 hostile "an id that is none" requests::no_id => Status(400);
    20 hostile "an unknown, repeated or absurd parameter" requests::bad_parameter => Status(400);
    20 hostile "a cursor that was never given" requests::no_cursor => Status(400);

    30 hostile "a body that is no JSON" bodies::no_json => Status(400);
    30 hostile "a body of a wrong shape" bodies::wrong_shape => Status(400);
    20 hostile "items of a wrong shape" bodies::wrong_items => Status(200);
    10 hostile "items nested without end" bodies::nested_items => Status(200);
    10 hostile "a body nested without end" bodies::nested_body => Status(400);
    10 hostile "a body of another type" bodies::another_type => Status(415);
    2 hostile "9 MiB" bodies::nine_mebibytes => Status(413);
    3 hostile "a gzip bomb of 64 MiB" bodies::bomb => Status(413);
    5 hostile "gzip that is none" bodies::no_gzip => Status(400);

    5 hostile "more headers than anybody needs" connections::many_headers => Status(431);
    5 hostile "something else than HTTP" connections::not_http => Status(400), Closed;
    2 hostile "a head, byte by byte" connections::slow_head => Status(408), Closed, GaveUp;
    2 hostile "a body, byte by byte" connections::slow_body => Status(408), Closed, GaveUp;
    10 hostile "a request that breaks off" connections::breaks_off => Left;
    10 hostile "an answer that nobody waits for" connections::does_not_wait => Left;
};

/// Picks a kind at random, by the kinds' weights.
pub(crate) fn pick(chance: &mut ChaCha8Rng) -> &'static TrafficKind {
    let mut at = chance.random_range(0..KINDS.iter().map(|kind| kind.weight).sum());
    for kind in KINDS {
        match at.checked_sub(kind.weight) {
            Some(rest) => at = rest,
            None => return kind,
        }
    }
    unreachable!("{at} is below the sum of the weights")
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng as _;

    use super::*;

    #[test]
    fn every_kind_comes_up_and_half_of_all_is_honest() {
        let mut chance = ChaCha8Rng::seed_from_u64(1);
        let picked: Vec<&TrafficKind> = (0..20_000).map(|_| pick(&mut chance)).collect();
        for kind in KINDS {
            assert!(
                picked.iter().any(|one| one.name == kind.name),
                "{}",
                kind.name
            );
        }
        let honest = picked.iter().filter(|kind| kind.is_honest).count();
        assert!((9_500..11_000).contains(&honest), "{honest}");
    }

    #[test]
    fn nothing_may_be_the_services_fault_or_too_often() {
        for kind in KINDS {
            for outcome in kind.expected {
                assert!(!matches!(outcome, Status(429 | 500..)), "{}", kind.name);
            }
        }
    }
}
