//! Accepted updates: rounds through HTTP and rounds of the bare statement, by turns.

use std::time::Duration;

use anyhow::ensure;
use chrono::{DateTime, Utc};
use hyper::{Method, StatusCode};
use serde::Deserialize;
use sqlx::PgConnection;

use crate::Flags;
use crate::bare::BareClient;
use crate::cpu::{CpuTime, Processes};
use crate::database::Database;
use crate::fleet::{BATCH, Fleet, Workspace};
use crate::http::{HttpConnection, excerpt};
use crate::load::{Client, Sent, drive};
use crate::service::Service;

/// What one side did in one round.
pub(crate) struct Side {
    pub(crate) sent: Sent,
    pub(crate) cpu: CpuTime,
    pub(crate) wal_bytes: u64,
}

/// A round of both.
pub(crate) struct Round {
    pub(crate) http: Side,
    pub(crate) bare: Side,
}

/// A connection that posts batches.
pub(crate) struct HttpClient(pub(crate) HttpConnection);

/// The part of an answer that is looked at.
#[derive(Deserialize)]
struct Answer {
    summary: Summary,
}

#[derive(Deserialize)]
struct Summary {
    accepted: usize,
}

impl Client for HttpClient {
    async fn send(
        &mut self,
        workspace: &Workspace,
        observed_at: DateTime<Utc>,
    ) -> anyhow::Result<()> {
        let path = format!("{}/ingest", workspace.path());
        let batch = workspace.batch(observed_at);
        let (status, body) = self.0.send(Method::POST, &path, batch).await?;
        ensure!(
            status == StatusCode::OK,
            "a batch was answered {status}: {}",
            excerpt(&body)
        );
        let answer: Answer = serde_json::from_slice(&body)?;
        ensure!(
            answer.summary.accepted == workspace.devices.len(),
            "not all of a batch was accepted: {}",
            excerpt(&body)
        );
        Ok(())
    }
}

/// Measures both sides, after a warm-up that sends every batch twice.
///
/// # Errors
/// When a batch is not accepted whole, or the tables do not hold what was accepted.
pub(crate) async fn measure(
    flags: &Flags,
    fleet: &Fleet,
    service: &Service,
    database: &Database,
    processes: &Processes,
) -> anyhow::Result<Vec<Round>> {
    let (mut http, mut bare) = (Vec::new(), Vec::new());
    for _ in 0..flags.clients {
        http.push(HttpClient(service.as_machine().await?));
        bare.push(BareClient(database.connect().await?));
    }
    let mut meter = Meter {
        processes,
        connection: database.connect().await?,
    };
    let before = meter.events().await?;
    let mut accepted = [0; 2];
    let warm_up = Duration::from_secs(1);
    accepted[0] += drive(&mut http, fleet, warm_up, 2).await?.latencies.len();
    accepted[1] += drive(&mut bare, fleet, warm_up, 2).await?.latencies.len();
    let mut rounds = Vec::new();
    for number in 0..flags.rounds {
        eprintln!("bench: round {} of {}", number + 1, flags.rounds);
        let round = if number % 2 == 0 {
            let http = meter.side(&mut http, fleet, flags.round()).await?;
            let bare = meter.side(&mut bare, fleet, flags.round()).await?;
            Round { http, bare }
        } else {
            let bare = meter.side(&mut bare, fleet, flags.round()).await?;
            let http = meter.side(&mut http, fleet, flags.round()).await?;
            Round { http, bare }
        };
        accepted[0] += round.http.sent.latencies.len();
        accepted[1] += round.bare.sent.latencies.len();
        rounds.push(round);
    }
    let after = meter.events().await?;
    for (side, batches) in accepted.into_iter().enumerate() {
        let recorded = after[side] - before[side];
        ensure!(
            recorded == i64::try_from(batches * BATCH)?,
            "{recorded} events were recorded of {} accepted updates",
            batches * BATCH
        );
    }
    Ok(rounds)
}

struct Meter<'a> {
    processes: &'a Processes,
    connection: PgConnection,
}

impl Meter<'_> {
    async fn side<C: Client>(
        &mut self,
        clients: &mut Vec<C>,
        fleet: &Fleet,
        span: Duration,
    ) -> anyhow::Result<Side> {
        let (wal, cpu) = (self.wal_bytes().await?, self.processes.cpu_time()?);
        let sent = drive(clients, fleet, span, 0).await?;
        let cpu = self.processes.cpu_time()?.since(cpu);
        let wal_bytes = self.wal_bytes().await? - wal;
        Ok(Side {
            sent,
            cpu,
            wal_bytes,
        })
    }

    async fn wal_bytes(&mut self) -> anyhow::Result<u64> {
        let bytes: i64 =
            sqlx::query_scalar("SELECT (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::bigint")
                .fetch_one(&mut self.connection)
                .await?;
        Ok(bytes.try_into()?)
    }

    /// The service's, and the bare statement's.
    async fn events(&mut self) -> anyhow::Result<[i64; 2]> {
        let (service, bare) = sqlx::query_as(
            "SELECT (SELECT count(*) FROM event_store WHERE type = 'TelematicsUpdateAccepted'),
                    (SELECT count(*) FROM bare.events)",
        )
        .fetch_one(&mut self.connection)
        .await?;
        Ok([service, bare])
    }
}
