//! A scheduler in this process, for one machine.

use std::collections::BTreeSet;
use std::error::Error;
use std::time::Duration;

use chrono::{DateTime, DurationRound, SecondsFormat, TimeDelta, Utc};
use clock::Clock;
use contract::poll_cycles::PollCycleRequest;
use domain::ids::WorkspaceId;
use domain::polling::Schedule;
use futures::stream::{self, StreamExt};
use rand::SeedableRng;
use rand::rngs::StdRng;
use reqwest::Url;
use tokio_util::sync::CancellationToken;

use crate::Disturbances;

/// Triggers that are under way at once.
const CONCURRENCY: usize = 16;
/// Attempts of one trigger, and the pause between them.
const ATTEMPTS: u32 = 3;
const PAUSE: Duration = Duration::from_secs(1);
/// Minutes that are made up for after a pause of the process; older slots would be refused anyway.
const MINUTES_BEHIND: i64 = 5;

/// Where the active workspaces' schedules are read.
pub trait Schedules: Send + Sync {
    /// Why they cannot be read.
    type Error: Error + Send + Sync + 'static;

    /// Every active workspace with its schedule, as of now.
    fn active(
        &self,
    ) -> impl Future<Output = Result<Vec<(WorkspaceId, Schedule)>, Self::Error>> + Send;
}

/// Where the access token of a trigger comes from.
pub trait TokenSource: Send + Sync {
    /// A token with the scope `telematics/poll`.
    fn token(&self) -> String;
}

/// Fires each workspace's slots at their minute.
pub struct InProcessScheduler<S, T> {
    clock: Clock,
    http: reqwest::Client,
    endpoint: Url,
    schedules: S,
    tokens: T,
    disturbances: Disturbances,
}

/// A trigger to be sent: when, whose, and of which slot.
type Firing = (DateTime<Utc>, WorkspaceId, DateTime<Utc>);

impl<S: Schedules, T: TokenSource> InProcessScheduler<S, T> {
    /// A scheduler that posts to `endpoint`: `…/api/telematics-mvp/poll-cycles`.
    ///
    /// # Errors
    /// When the TLS backend cannot be set up.
    pub fn try_new(
        clock: Clock,
        endpoint: Url,
        schedules: S,
        tokens: T,
        disturbances: Disturbances,
    ) -> Result<Self, reqwest::Error> {
        // API destinations give an endpoint five seconds; so do we.
        let http = reqwest::Client::builder()
            .timeout(Duration::from_secs(5))
            .build()?;
        Ok(Self {
            clock,
            http,
            endpoint,
            schedules,
            tokens,
            disturbances,
        })
    }

    /// Runs until `shutdown`: first one cycle of every workspace, then each slot at its minute, or as the
    /// disturbances have it.
    pub async fn run(self, shutdown: CancellationToken) {
        let work = async {
            let mut chance = StdRng::from_os_rng();
            let mut firings: BTreeSet<Firing> = BTreeSet::new();
            let mut minute = next_minute(self.clock.now());
            self.fire(
                self.schedules_now()
                    .await
                    .into_iter()
                    .map(|(id, _)| (id, None)),
            )
            .await;
            loop {
                let next = firings.first().map_or(minute, |(at, ..)| minute.min(*at));
                self.clock.sleep_until(next).await;
                let now = self.clock.now();
                if minute <= now {
                    let due = self.schedules_now().await.into_iter();
                    for (id, _) in due.filter(|(_, schedule)| schedule.has_slot(minute)) {
                        let at = self.disturbances.firings(minute, &mut chance).into_iter();
                        firings.extend(at.map(|at| (at, id.clone(), minute)));
                    }
                    minute = next_minute(minute)
                        .max(next_minute(now) - TimeDelta::minutes(MINUTES_BEHIND));
                }
                let due = firings.extract_if(.., |(at, ..)| *at <= now);
                self.fire(due.map(|(_, id, slot)| (id, Some(slot)))).await;
            }
        };
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = work => {}
        }
    }

    async fn schedules_now(&self) -> Vec<(WorkspaceId, Schedule)> {
        match self.schedules.active().await {
            Ok(schedules) => schedules,
            Err(error) => {
                tracing::warn!(error = &error as &dyn Error, "schedules could not be read");
                Vec::new()
            }
        }
    }

    /// Triggers slots, or cycles now where there is none.
    async fn fire(&self, triggers: impl Iterator<Item = (WorkspaceId, Option<DateTime<Utc>>)>) {
        stream::iter(triggers)
            .for_each_concurrent(CONCURRENCY, |(id, slot)| async move {
                self.trigger(&id, slot).await;
            })
            .await;
    }

    async fn trigger(&self, workspace_id: &WorkspaceId, slot: Option<DateTime<Utc>>) {
        for attempt in 1..=ATTEMPTS {
            let slot = slot.map(|slot| slot.to_rfc3339_opts(SecondsFormat::Secs, true));
            let trigger = PollCycleRequest {
                workspace_id: workspace_id.as_str().into(),
                scheduled_time: slot.map(Into::into),
                schedule_arn: Some("in-process".into()),
                execution_id: None,
                attempt: Some(attempt.to_string().into()),
            };
            let request = self
                .http
                .post(self.endpoint.clone())
                .bearer_auth(self.tokens.token())
                .json(&trigger);
            match request
                .send()
                .await
                .and_then(reqwest::Response::error_for_status)
            {
                Ok(_) => return,
                Err(error) => {
                    tracing::warn!(%workspace_id, attempt, error = &error as &dyn Error, "a trigger was not taken");
                }
            }
            self.clock.sleep(PAUSE).await;
        }
    }
}

fn next_minute(instant: DateTime<Utc>) -> DateTime<Utc> {
    let minute = TimeDelta::minutes(1);
    instant.duration_trunc(minute).unwrap_or(instant) + minute
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;
    use std::sync::Arc;

    use axum::extract::State;
    use axum::routing::post;
    use axum::{Json, Router};
    use domain::polling::PollInterval;
    use tokio::sync::mpsc;

    struct Fixed(Vec<(WorkspaceId, Schedule)>);

    impl Schedules for Fixed {
        type Error = Infallible;
        async fn active(&self) -> Result<Vec<(WorkspaceId, Schedule)>, Infallible> {
            Ok(self.0.clone())
        }
    }

    struct NoToken;

    impl TokenSource for NoToken {
        fn token(&self) -> String {
            "t".to_owned()
        }
    }

    async fn record(
        State(sent): State<Arc<mpsc::UnboundedSender<serde_json::Value>>>,
        Json(body): Json<serde_json::Value>,
    ) {
        sent.send(body).expect("the test listens");
    }

    #[tokio::test]
    async fn each_workspace_is_triggered_at_start_and_then_at_its_own_minutes() {
        let start = DateTime::from_timestamp(1_795_420_790, 0).expect("a time");
        let clock = Clock::manual(start);
        let (sent, mut received) = mpsc::unbounded_channel();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port");
        let endpoint = format!(
            "http://{}/poll-cycles",
            listener.local_addr().expect("an address")
        )
        .parse()
        .expect("a URL");
        let app = Router::new()
            .route("/poll-cycles", post(record))
            .with_state(Arc::new(sent));
        let server = tokio::spawn(async move { axum::serve(listener, app).await });
        let id = WorkspaceId::try_new("depot-north").expect("an id");
        let schedule = Schedule::new(PollInterval::DEFAULT, 0);
        let scheduler = InProcessScheduler::try_new(
            clock.clone(),
            endpoint,
            Fixed(vec![(id, schedule)]),
            NoToken,
            Disturbances::default(),
        )
        .expect("a client");
        let shutdown = CancellationToken::new();
        let running = tokio::spawn(scheduler.run(shutdown.clone()));

        let first = received.recv().await.expect("a trigger at start");
        assert_eq!(first.get("scheduled_time"), None);
        let mut slots = Vec::new();
        let slot = schedule.slot_at_or_after(start);
        while slots.len() < 2 {
            clock.advance(TimeDelta::seconds(10));
            if clock.now()
                >= slot + TimeDelta::minutes(5) * i32::try_from(slots.len()).expect("few")
            {
                slots.push(
                    received.recv().await.expect("a trigger of a slot")["scheduled_time"].clone(),
                );
            }
            tokio::task::yield_now().await;
        }
        let expected = [slot, slot + TimeDelta::minutes(5)]
            .map(|slot| slot.to_rfc3339_opts(SecondsFormat::Secs, true));
        assert_eq!(slots, expected);
        shutdown.cancel();
        running.await.expect("the scheduler ends");
        server.abort();
    }
}
