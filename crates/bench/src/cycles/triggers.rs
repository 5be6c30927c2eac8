//! The triggers: two for each slot, one at each instance, in random order.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use auth::MintRequest;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use clock::Clock;
use contract::poll_cycles::{PollCycleAnswer, PollCycleRequest};
use hyper::Method;
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use tokio::task::JoinSet;

use super::fleet::PolledFleet;
use crate::http::HttpConnection;
use crate::service::Service;

/// The number of connections to each instance.
const SENDERS: usize = 8;
/// How long before its slot's minute a trigger may come, and how long before that minute the first of the
/// two triggers has come at the latest, so that no cycle starts late for want of a trigger.
const EARLIEST_MS: i64 = -20_000;
const FIRST_BY_MS: i64 = -2_000;
/// How long after the slot's minute the second trigger may come.
const LATEST_MS: i64 = 50_000;

/// One request that triggers a slot.
#[derive(Clone, Debug)]
pub(super) struct Trigger {
    at: DateTime<Utc>,
    workspace_id: String,
    slot: DateTime<Utc>,
    /// The instance that is asked first. If it is gone, the other one is asked, as EventBridge would retry.
    instance: usize,
}

/// The number of triggers by answer.
pub(super) type Answers = BTreeMap<String, usize>;

impl Trigger {
    /// Draws two triggers for each workspace and minute, in the order of their times.
    pub(super) fn draw_all(
        fleet: &PolledFleet,
        first: DateTime<Utc>,
        minutes: u32,
        seed: u64,
    ) -> Vec<Self> {
        let mut chance = ChaCha8Rng::seed_from_u64(seed);
        let mut all = Vec::new();
        for minute in 0..i64::from(minutes) {
            let slot = first + TimeDelta::minutes(minute);
            for id in &fleet.ids {
                let instance = chance.random_range(0..2);
                let spans = [EARLIEST_MS..FIRST_BY_MS, EARLIEST_MS..LATEST_MS];
                for (number, span) in spans.into_iter().enumerate() {
                    all.push(Self {
                        at: slot + TimeDelta::milliseconds(chance.random_range(span)),
                        workspace_id: id.clone(),
                        slot,
                        instance: (instance + number) % 2,
                    });
                }
            }
        }
        all.sort_by_key(|trigger| trigger.at);
        all
    }
}

/// Mints the token of the caller that triggers cycles.
pub(super) fn mint_token(service: &Service, clock: &Clock) -> String {
    let machine = MintRequest::machine(["telematics/poll"]);
    service.issuer().mint(&machine, clock.now())
}

/// Sends each trigger at its time; returns the number of triggers by answer.
///
/// # Errors
/// If neither instance answers a trigger.
pub(super) async fn send(
    triggers: Vec<Trigger>,
    addresses: [SocketAddr; 2],
    token: &str,
    clock: &Clock,
) -> anyhow::Result<Answers> {
    let triggers = Arc::new(triggers);
    let mut senders = JoinSet::new();
    for number in 0..SENDERS {
        let (triggers, token, clock) = (Arc::clone(&triggers), token.to_owned(), clock.clone());
        senders.spawn(async move {
            let mut sender = TriggerClient {
                addresses,
                token,
                connections: [None, None],
            };
            let mut answers = Answers::new();
            for trigger in triggers.iter().skip(number).step_by(SENDERS) {
                clock.sleep_until(trigger.at).await;
                let answer = match sender.ask(trigger.instance, trigger).await {
                    Ok(answer) => answer,
                    Err(_) => sender.ask(1 - trigger.instance, trigger).await?,
                };
                *answers.entry(answer).or_default() += 1;
            }
            anyhow::Ok(answers)
        });
    }
    let mut all = Answers::new();
    while let Some(answers) = senders.join_next().await {
        for (answer, count) in answers?? {
            *all.entry(answer).or_default() += count;
        }
    }
    Ok(all)
}

/// A client of both instances that keeps one connection to each.
struct TriggerClient {
    addresses: [SocketAddr; 2],
    token: String,
    connections: [Option<HttpConnection>; 2],
}

impl TriggerClient {
    /// Sends a trigger to an instance; returns the status and the outcome.
    async fn ask(&mut self, instance: usize, trigger: &Trigger) -> anyhow::Result<String> {
        let mut connection = match self.connections[instance].take() {
            Some(connection) => connection,
            None => HttpConnection::open(self.addresses[instance], &self.token).await?,
        };
        let slot = trigger.slot.to_rfc3339_opts(SecondsFormat::Secs, true);
        let body = PollCycleRequest {
            workspace_id: trigger.workspace_id.as_str().into(),
            scheduled_time: Some(slot.into()),
            schedule_arn: None,
            execution_id: None,
            attempt: None,
        };
        let body = serde_json::to_vec(&body)?;
        let path = "/api/telematics-mvp/poll-cycles";
        let (status, answer) = connection.send(Method::POST, path, body.into()).await?;
        self.connections[instance] = Some(connection);
        if !status.is_success() {
            return Ok(status.as_u16().to_string());
        }
        let answer: PollCycleAnswer<'_> = serde_json::from_slice(&answer)?;
        Ok(format!("{} {}", status.as_u16(), answer.outcome))
    }
}
