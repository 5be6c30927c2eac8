//! A scheduler within this process, for one machine.

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

/// The triggers that are sent at once.
const CONCURRENCY: usize = 16;
/// The attempts to send one trigger.
const ATTEMPTS: u32 = 3;
/// The pause between two attempts.
const RETRY_PAUSE: Duration = Duration::from_secs(1);
/// The missed minutes that are triggered after the process was paused. Older slots would be refused.
const MAX_MINUTES_BEHIND: i64 = 5;

/// A source of the active workspaces' schedules.
pub trait Schedules: Send + Sync {
    /// The reason why the schedules cannot be read.
    type Error: Error + Send + Sync + 'static;

    /// Lists every active workspace with its schedule, as of now.
    fn active(
        &self,
    ) -> impl Future<Output = Result<Vec<(WorkspaceId, Schedule)>, Self::Error>> + Send;
}

/// A source of access tokens for triggers.
pub trait TokenSource: Send + Sync {
    /// Returns a token with the scope `telematics/poll`.
    fn token(&self) -> String;
}

/// Sends a trigger for each workspace's slots, at their minute.
pub struct InProcessScheduler<S, T> {
    clock: Clock,
    http: reqwest::Client,
    endpoint: Url,
    schedules: S,
    tokens: T,
    disturbances: Disturbances,
}

/// A trigger that will be sent. The order is that of sending.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct PlannedTrigger {
    fires_at: DateTime<Utc>,
    workspace_id: WorkspaceId,
    slot: DateTime<Utc>,
}

impl<S: Schedules, T: TokenSource> InProcessScheduler<S, T> {
    /// Makes a scheduler that posts to `endpoint`: `…/api/telematics-mvp/poll-cycles`.
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
        // EventBridge's API destinations also give an endpoint five seconds.
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

    /// Runs until `shutdown`. Triggers one cycle of every workspace at once, and then each slot at its minute, or as
    /// the disturbances change it.
    pub async fn run(self, shutdown: CancellationToken) {
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = self.send_triggers() => {}
        }
    }

    async fn send_triggers(&self) {
        let mut chance = StdRng::from_os_rng();
        let mut planned: BTreeSet<PlannedTrigger> = BTreeSet::new();
        let mut minute = next_minute(self.clock.now());
        let workspaces = self.load_schedules().await.into_iter();
        self.send(workspaces.map(|(id, _)| (id, None))).await;
        loop {
            let next = planned
                .first()
                .map_or(minute, |trigger| minute.min(trigger.fires_at));
            self.clock.sleep_until(next).await;
            let now = self.clock.now();
            if minute <= now {
                planned.extend(self.plan_minute(minute, &mut chance).await);
                minute = next_minute(minute)
                    .max(next_minute(now) - TimeDelta::minutes(MAX_MINUTES_BEHIND));
            }
            let due = planned.extract_if(.., |trigger| trigger.fires_at <= now);
            self.send(due.map(|trigger| (trigger.workspace_id, Some(trigger.slot))))
                .await;
        }
    }

    /// Plans the triggers of all workspaces that have a slot in this minute.
    async fn plan_minute(&self, minute: DateTime<Utc>, chance: &mut StdRng) -> Vec<PlannedTrigger> {
        let mut planned = Vec::new();
        for (workspace_id, schedule) in self.load_schedules().await {
            if schedule.has_slot(minute) {
                let firings = self.disturbances.firings(minute, chance).into_iter();
                planned.extend(firings.map(|fires_at| PlannedTrigger {
                    fires_at,
                    workspace_id: workspace_id.clone(),
                    slot: minute,
                }));
            }
        }
        planned
    }

    async fn load_schedules(&self) -> Vec<(WorkspaceId, Schedule)> {
        match self.schedules.active().await {
            Ok(schedules) => schedules,
            Err(error) => {
                tracing::warn!(error = &error as &dyn Error, "schedules could not be read");
                Vec::new()
            }
        }
    }

    /// Sends triggers. A trigger without a slot is for a cycle now.
    async fn send(&self, triggers: impl Iterator<Item = (WorkspaceId, Option<DateTime<Utc>>)>) {
        stream::iter(triggers)
            .for_each_concurrent(CONCURRENCY, |(id, slot)| async move {
                self.send_one(&id, slot).await;
            })
            .await;
    }

    async fn send_one(&self, workspace_id: &WorkspaceId, slot: Option<DateTime<Utc>>) {
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
                    tracing::warn!(%workspace_id, attempt, error = &error as &dyn Error, "the API did not accept a trigger");
                }
            }
            self.clock.sleep(RETRY_PAUSE).await;
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
    use tokio::task::JoinSet;

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
        let mut tasks = JoinSet::new();
        tasks.spawn(async move { axum::serve(listener, app).await.expect("a server") });
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
        let mut running = JoinSet::new();
        running.spawn(scheduler.run(shutdown.clone()));

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
        let ended = running.join_next().await.expect("one scheduler");
        ended.expect("the scheduler does not panic");
    }
}
