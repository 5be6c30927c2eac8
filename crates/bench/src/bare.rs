//! The bare statement: SQL that only writes snapshots and events, without checks, decisions or answers. The
//! service is measured against it on the same server.

use std::ops::Range;

use anyhow::ensure;
use chrono::{DateTime, Days, Utc};
use sqlx::{AssertSqlSafe, PgConnection};
use uuid::Uuid;

use crate::database::BenchDatabase;
use crate::fleet::BenchWorkspace;
use crate::load::{Client, SendTurn};

/// The tables of the bare statement, in the same database: one key on the snapshots, one index on the events.
const TABLES: &str = "
    CREATE SCHEMA bare;
    CREATE TABLE bare.snapshots (
        workspace_id uuid        NOT NULL,
        device_id    text        NOT NULL,
        observed_at  timestamptz NOT NULL,
        received_at  timestamptz NOT NULL,
        event_id     uuid        NOT NULL,
        signals      jsonb       NOT NULL,
        PRIMARY KEY (workspace_id, device_id)
    ) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);
    CREATE TABLE bare.events (
        workspace_id uuid        NOT NULL,
        device_id    text        NOT NULL,
        recorded_at  timestamptz NOT NULL,
        event_id     uuid        NOT NULL,
        observed_at  timestamptz NOT NULL,
        signals      jsonb       NOT NULL
    ) PARTITION BY RANGE (recorded_at);
    CREATE INDEX ON bare.events (workspace_id, device_id, recorded_at);";

/// The bare statement: it writes the newer snapshots of a batch and one event for each. A snapshot holds the
/// id of its event because RETURNING can return only the table's own columns; random ids made by the
/// server would cost a twentieth of its time.
const MOVE: &str = "
    WITH moved AS (
        INSERT INTO bare.snapshots AS held (workspace_id, device_id, observed_at, received_at, event_id, signals)
        SELECT $1, device_id, observed_at, $2, event_id, signals::jsonb
        FROM unnest($3::text[], $4::timestamptz[], $5::uuid[], $6::text[])
          AS batch (device_id, observed_at, event_id, signals)
        ON CONFLICT (workspace_id, device_id) DO UPDATE SET
            observed_at = excluded.observed_at, received_at = excluded.received_at,
            event_id = excluded.event_id, signals = excluded.signals
        WHERE held.observed_at < excluded.observed_at
        RETURNING device_id, observed_at, event_id, signals
    ), recorded AS (
        INSERT INTO bare.events (workspace_id, device_id, recorded_at, event_id, observed_at, signals)
        SELECT $1, device_id, $2, event_id, observed_at, signals FROM moved
    )
    SELECT device_id FROM moved";

/// Creates the tables, with partitions for today and tomorrow, because a run may pass midnight.
///
/// # Errors
/// If PostgreSQL refuses a statement.
pub(crate) async fn create_tables(
    database: &BenchDatabase,
    now: DateTime<Utc>,
) -> anyhow::Result<()> {
    let mut connection = database.connect().await?;
    sqlx::raw_sql(TABLES).execute(&mut connection).await?;
    for day in now.date_naive().iter_days().take(2) {
        // The statement is built from a date only, so it needs no escaping.
        let partition = format!(
            "CREATE TABLE bare.events_{} PARTITION OF bare.events FOR VALUES FROM ('{day}Z') TO ('{}Z')",
            day.format("%Y%m%d"),
            day + Days::new(1)
        );
        sqlx::raw_sql(AssertSqlSafe(partition))
            .execute(&mut connection)
            .await?;
    }
    Ok(())
}

/// A client that runs the bare statement for a workspace's whole batch at once.
pub(crate) struct BareClient(pub(crate) PgConnection);

impl Client for BareClient {
    async fn send(&mut self, turn: SendTurn<'_>) -> anyhow::Result<usize> {
        let devices = 0..turn.workspace.devices.len();
        move_snapshots(&mut self.0, turn, devices).await
    }
}

/// A client that runs the bare statement for one device of its range at a time.
pub(crate) struct BareSingle(pub(crate) PgConnection, pub(crate) Range<usize>);

impl Client for BareSingle {
    async fn send(&mut self, turn: SendTurn<'_>) -> anyhow::Result<usize> {
        let device = self.1.start + turn.number % self.1.len();
        move_snapshots(&mut self.0, turn, device..device + 1).await
    }
}

/// Runs the bare statement for some devices, and checks that every snapshot moved.
async fn move_snapshots(
    connection: &mut PgConnection,
    SendTurn {
        workspace,
        observed_at,
        ..
    }: SendTurn<'_>,
    devices: Range<usize>,
) -> anyhow::Result<usize> {
    let count = devices.len();
    let moved: Vec<String> = sqlx::query_scalar(MOVE)
        .bind(workspace.key)
        .bind(observed_at)
        .bind(&workspace.devices[devices.clone()])
        .bind(vec![observed_at; count])
        .bind(event_ids(workspace, observed_at, devices.clone()))
        .bind(&workspace.signals[devices])
        .fetch_all(connection)
        .await?;
    ensure!(
        moved.len() == count,
        "the bare statement moved {} snapshots of {count}",
        moved.len()
    );
    Ok(count)
}

/// Makes event ids from the time and the device's number: ordered by time, and cheap to make.
fn event_ids(
    workspace: &BenchWorkspace,
    observed_at: DateTime<Utc>,
    devices: Range<usize>,
) -> Vec<Uuid> {
    let time = observed_at.timestamp_micros().cast_unsigned();
    let workspace = workspace.key.as_u64_pair().1 << 32;
    devices
        .map(|device| Uuid::from_u64_pair(time, workspace | device as u64))
        .collect()
}
