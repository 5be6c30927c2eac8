//! The measurement of updates by turns: batches through HTTP against the bare statement, repeated batches
//! against new batches, single updates against bare transactions of one update.

use std::ops::Range;

use anyhow::ensure;
use bytes::Bytes;
use contract::ingest::{IngestAnswer, IngestSummary};
use hyper::{Method, StatusCode};
use serde::de::IgnoredAny;
use sqlx::PgConnection;

use crate::bare::{BareClient, BareSingle};
use crate::cpu::Processes;
use crate::database::BenchDatabase;
use crate::fleet::{BATCH, BenchFleet, BenchWorkspace};
use crate::http::{HttpConnection, excerpt};
use crate::load::{Client, SendTurn};
use crate::rounds::{Meter, Round, Rounds};
use crate::service::Service;
use crate::{BenchFlags, Part};

/// The rounds of all measurements of updates.
pub(crate) struct IngestRounds {
    /// New readings, through HTTP against the bare statement.
    pub(crate) batches: Vec<Round>,
    /// Repeated batches against new readings, both through HTTP.
    pub(crate) repeated: Vec<Round>,
    /// One update a request against one a transaction, each client for workspaces of its own.
    pub(crate) singles: Vec<Round>,
    /// One update a request against one a transaction, all clients for one workspace, each client for devices
    /// of its own.
    pub(crate) shared_singles: Vec<Round>,
}

/// A client that posts whole batches of new readings.
pub(crate) struct HttpClient(pub(crate) HttpConnection);

/// A client that posts each workspace's last batch once more.
struct RepeatingClient(HttpConnection);

/// A client that posts one new update at a time, for the devices of its range.
struct SingleClient(HttpConnection, Range<usize>);

impl Client for HttpClient {
    async fn send(&mut self, turn: SendTurn<'_>) -> anyhow::Result<usize> {
        let batch = turn.workspace.batch(turn.observed_at);
        let (summary, body) = post(&mut self.0, turn.workspace, batch).await?;
        ensure!(
            summary.accepted == turn.workspace.devices.len(),
            "not all of a batch was accepted: {}",
            excerpt(&body)
        );
        Ok(summary.accepted)
    }
}

impl Client for RepeatingClient {
    async fn send(&mut self, turn: SendTurn<'_>) -> anyhow::Result<usize> {
        let batch = turn.workspace.last_batch();
        let (summary, body) = post(&mut self.0, turn.workspace, batch).await?;
        ensure!(
            summary.duplicate == turn.workspace.devices.len(),
            "not all of a repeated batch was a duplicate: {}",
            excerpt(&body)
        );
        Ok(summary.duplicate)
    }
}

impl Client for SingleClient {
    async fn send(&mut self, turn: SendTurn<'_>) -> anyhow::Result<usize> {
        let device = self.1.start + turn.number % self.1.len();
        let update = turn.workspace.single(device, turn.observed_at);
        let (summary, body) = post(&mut self.0, turn.workspace, update).await?;
        ensure!(
            summary.accepted == 1,
            "an update was not accepted: {}",
            excerpt(&body)
        );
        Ok(1)
    }
}

async fn post(
    connection: &mut HttpConnection,
    workspace: &BenchWorkspace,
    body: Bytes,
) -> anyhow::Result<(IngestSummary, Bytes)> {
    let path = format!("{}/ingest", workspace.path());
    let (status, body) = connection.send(Method::POST, &path, body).await?;
    ensure!(
        status == StatusCode::OK,
        "a batch was answered {status}: {}",
        excerpt(&body)
    );
    // The load generator shares the cores with what it measures, so it looks at the summary only.
    let answer: IngestAnswer<IgnoredAny> = serde_json::from_slice(&body)?;
    Ok((answer.summary, body))
}

/// Measures all parts that the flags ask for.
///
/// # Errors
/// If a request gets a wrong answer, or the number of events differs from the number of accepted updates.
pub(crate) async fn measure(
    flags: &BenchFlags,
    fleet: &BenchFleet,
    service: &Service,
    database: &BenchDatabase,
    processes: &Processes,
) -> anyhow::Result<IngestRounds> {
    let mut meter = Meter {
        processes,
        connection: database.connect().await?,
    };
    let before = count_events(&mut meter.connection).await?;
    let (mut batches, mut repeated) = (Rounds::default(), Rounds::default());
    let (mut singles, mut shared_singles) = (Rounds::default(), Rounds::default());
    if flags.measures(Part::Batches) {
        let (mut http, mut bare) = (Vec::new(), Vec::new());
        for _ in 0..flags.clients {
            http.push(HttpClient(service.as_machine().await?));
            bare.push(BareClient(database.connect().await?));
        }
        database.settle().await?;
        batches = meter
            .alternate(flags, fleet, (&mut http, &mut bare))
            .await?;
    }
    if flags.measures(Part::Repeated) {
        let (mut repeating, mut fresh) = (Vec::new(), Vec::new());
        for _ in 0..flags.clients {
            repeating.push(RepeatingClient(service.as_machine().await?));
            fresh.push(HttpClient(service.as_machine().await?));
        }
        database.settle().await?;
        repeated = meter
            .alternate(flags, fleet, (&mut repeating, &mut fresh))
            .await?;
    }
    if flags.measures(Part::Singles) {
        let whole = |_| 0..BATCH;
        let (mut http, mut bare) = open_single_clients(flags, service, database, whole).await?;
        database.settle().await?;
        singles = meter
            .alternate(flags, fleet, (&mut http, &mut bare))
            .await?;
        let share = BATCH / flags.single_clients;
        let own = |client| client * share..(client + 1) * share;
        let (mut http, mut bare) = open_single_clients(flags, service, database, own).await?;
        database.settle().await?;
        shared_singles = meter
            .alternate(flags, &fleet.shared(), (&mut http, &mut bare))
            .await?;
    }
    let after = count_events(&mut meter.connection).await?;
    for (recorded, accepted) in [
        (
            after[0] - before[0],
            batches.updates[0]
                + repeated.updates[1]
                + singles.updates[0]
                + shared_singles.updates[0],
        ),
        (
            after[1] - before[1],
            batches.updates[1] + singles.updates[1] + shared_singles.updates[1],
        ),
    ] {
        ensure!(
            recorded == i64::try_from(accepted)?,
            "{recorded} events were recorded for {accepted} accepted updates"
        );
    }
    Ok(IngestRounds {
        batches: batches.rounds,
        repeated: repeated.rounds,
        singles: singles.rounds,
        shared_singles: shared_singles.rounds,
    })
}

/// Opens the clients of both sides that send one update at a time, each for the devices given by its number.
async fn open_single_clients(
    flags: &BenchFlags,
    service: &Service,
    database: &BenchDatabase,
    devices: impl Fn(usize) -> Range<usize>,
) -> anyhow::Result<(Vec<SingleClient>, Vec<BareSingle>)> {
    let (mut http, mut bare) = (Vec::new(), Vec::new());
    for client in 0..flags.single_clients {
        http.push(SingleClient(service.as_machine().await?, devices(client)));
        bare.push(BareSingle(database.connect().await?, devices(client)));
    }
    Ok((http, bare))
}

/// Counts the events of the service and the events of the bare statement.
async fn count_events(connection: &mut PgConnection) -> anyhow::Result<[i64; 2]> {
    let (service, bare) = sqlx::query_as(
        "SELECT (SELECT count(*) FROM event_store WHERE type = 'TelematicsUpdateAccepted'),
                (SELECT count(*) FROM bare.events)",
    )
    .fetch_one(connection)
    .await?;
    Ok([service, bare])
}
