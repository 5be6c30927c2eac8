//! The set-up of the test: the workspaces, the callers' tokens, and prepared bodies.

use std::io::Write as _;
use std::path::Path;

use auth::{DevIssuer, MintRequest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use clock::Clock;
use flate2::Compression;
use flate2::write::GzEncoder;
use rand::Rng as _;
use rand_chacha::ChaCha8Rng;

use crate::fleet::{self, BenchFleet, BenchWorkspace};
use crate::service::{ISSUER, Service};

const WORKSPACES: usize = 40;
const DEVICES: usize = 20;
/// The number of viewers: enough that no person reaches the limit of requests for one person.
const PEOPLE: usize = 400;
const STAFF: usize = 100;
const REGISTRARS: usize = 4;

/// The size of a gzip bomb once it is decompressed.
const BOMB_BYTES: usize = 64 << 20;

/// A function that makes a forged token from a valid one.
type Forgery = fn(&str) -> String;

/// The workspaces, tokens and bodies that requests are made of.
pub(crate) struct Stage {
    pub(crate) fleet: BenchFleet,
    viewers: Vec<String>,
    staff: Vec<String>,
    pub(crate) ingest: String,
    pub(crate) read: String,
    pub(crate) expired: Vec<String>,
    /// Tokens signed by a key that the service's issuer never published.
    pub(crate) by_a_stranger: Vec<String>,
    /// A gzip body that decompresses to 64 MiB.
    pub(crate) bomb: Bytes,
    pub(crate) clock: Clock,
}

impl Stage {
    /// Registers the fleet and mints the tokens.
    ///
    /// # Errors
    /// If the service refuses a request.
    pub(crate) async fn prepare(service: &Service, directory: &Path) -> anyhow::Result<Self> {
        let workspace = |at| BenchWorkspace::new(&format!("hostile-{at:02}"), at, DEVICES);
        let fleet = BenchFleet::of_workspaces((0..WORKSPACES).map(workspace).collect());
        fleet::register(service, &fleet, REGISTRARS).await?;
        let clock = Clock::system();
        let now = clock.now();
        let stranger = DevIssuer::load_or_create(&directory.join("stranger"), ISSUER)?;
        let person = |name: &str, at: usize, group: String| MintRequest {
            subject: Some(format!("{name}-{at}")),
            ..MintRequest::user([group])
        };
        let viewer = |at: usize| {
            let group = format!("workspace:{}:viewer", fleet.workspaces[at % WORKSPACES].id);
            person("viewer", at, group)
        };
        let staff = |at| person("staff", at, "support".to_owned());
        let late = |at| MintRequest {
            expires_in_seconds: -3600,
            ..viewer(at)
        };
        let minted = |issuer: &DevIssuer, count, request: &dyn Fn(usize) -> MintRequest| {
            (0..count)
                .map(|at| issuer.mint(&request(at), now))
                .collect()
        };
        let machine = |scope| service.issuer().mint(&MintRequest::machine([scope]), now);
        Ok(Self {
            viewers: minted(service.issuer(), PEOPLE, &viewer),
            staff: minted(service.issuer(), STAFF, &staff),
            expired: minted(service.issuer(), PEOPLE, &late),
            by_a_stranger: minted(&stranger, PEOPLE, &viewer),
            ingest: machine("telematics/ingest"),
            read: machine("telematics/read"),
            bomb: compressed(&vec![b' '; BOMB_BYTES]),
            fleet,
            clock,
        })
    }

    pub(crate) fn workspace(&self, chance: &mut ChaCha8Rng) -> &BenchWorkspace {
        any(&self.fleet.workspaces, chance)
    }

    pub(crate) fn staff(&self, chance: &mut ChaCha8Rng) -> &str {
        any::<String>(&self.staff, chance)
    }

    /// Picks a viewer's token, and the workspace that the viewer may read.
    pub(crate) fn viewer(&self, chance: &mut ChaCha8Rng) -> (&str, &BenchWorkspace) {
        let at = chance.random_range(0..PEOPLE);
        (&self.viewers[at], &self.fleet.workspaces[at % WORKSPACES])
    }

    /// Forges a token from a viewer's.
    pub(crate) fn forged(&self, chance: &mut ChaCha8Rng) -> String {
        let forgeries: [Forgery; 3] = [richer, unsigned, cut];
        let (token, _) = self.viewer(chance);
        any(&forgeries, chance)(token)
    }
}

/// Picks an element at random.
pub(crate) fn any<'a, T>(some: &'a [T], chance: &mut ChaCha8Rng) -> &'a T {
    &some[chance.random_range(0..some.len())]
}

/// Compresses bytes with gzip.
pub(crate) fn compressed(bytes: &[u8]) -> Bytes {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    let written = gzip.write_all(bytes).and_then(|()| gzip.finish());
    written.expect("memory takes all that is written").into()
}

/// Puts the group of an admin into a token, under the old signature.
fn richer(token: &str) -> String {
    let mut parts: Vec<String> = token.split('.').map(str::to_owned).collect();
    let payload = URL_SAFE_NO_PAD.decode(&parts[1]).unwrap_or_default();
    let payload = String::from_utf8_lossy(&payload).replace(":viewer", ":admin");
    parts[1] = URL_SAFE_NO_PAD.encode(payload);
    parts.join(".")
}

/// Declares a token as unsigned, and removes its signature.
fn unsigned(token: &str) -> String {
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#);
    let payload = token.split('.').nth(1).unwrap_or_default();
    format!("{header}.{payload}.")
}

/// Cuts the end off a token's signature.
fn cut(token: &str) -> String {
    token[..token.len() - 5].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forgeries_are_tokens_to_look_at_and_differ_from_the_original() {
        let payload = URL_SAFE_NO_PAD.encode(r#"{"cognito:groups":["workspace:w:viewer"]}"#);
        let token = format!("eyJhbGciOiJSUzI1NiJ9.{payload}.c2lnbmF0dXJl");
        for forged in [richer(&token), unsigned(&token), cut(&token)] {
            assert_ne!(forged, token);
            assert_eq!(forged.split('.').count(), 3, "{forged}");
        }
    }
}
