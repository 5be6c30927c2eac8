//! The PostgreSQL server that both sides are measured on: durable as in production, and tuned for the load.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, ensure};
use pgdev::{PrivateServer, Settings};
use sqlx::{Connection as _, PgConnection};
use tokio::task::spawn_blocking;

/// The number of 16 MB segments of write-ahead log that the server keeps (`min_wal_size`).
const LOG_SEGMENTS: u32 = 192;

const NAME: &str = "bench";

/// How long the server stays up without a connection: longer than any pause within a run, but short enough
/// that the server ends soon after a crash of the benchmark.
const LINGER: Duration = Duration::from_secs(30);

/// The settings that differ from the defaults, chosen so that no checkpoint falls into the round of one side
/// only. `fsync` and `synchronous_commit` stay on, as by default.
const TUNING: [(&str, &str); 6] = [
    ("shared_buffers", "2GB"),
    ("max_wal_size", "6GB"),
    ("min_wal_size", "3GB"),
    ("checkpoint_timeout", "15min"),
    ("wal_compression", "lz4"),
    ("work_mem", "32MB"),
];

/// A running PostgreSQL server with the database of the benchmark.
pub(crate) struct BenchDatabase {
    /// The database's URL, for sqlx.
    pub(crate) url: String,
    /// The process id of the server's main process, the parent of all its other processes.
    pub(crate) postmaster: u32,
    /// The server's version, as the server reports it.
    pub(crate) version: String,
    server: PrivateServer,
}

impl BenchDatabase {
    /// Starts a tuned server. The function blocks on purpose: it cannot be cancelled halfway, so every server
    /// that starts is also stopped.
    ///
    /// # Errors
    /// If PostgreSQL is missing or does not start.
    pub(crate) fn start(directory: &Path) -> anyhow::Result<Self> {
        let settings = Settings {
            data_dir: Some(directory.join("postgres")),
            linger: LINGER,
            ..Settings::durable(NAME)
        };
        let server = PrivateServer::start(&settings)?;
        let started = tune(&server).and_then(|()| Self::start_tuned(&settings));
        if started.is_err() {
            // The first error is returned, so an error of the stop is not reported.
            let _ = server.stop();
        }
        started
    }

    fn start_tuned(settings: &Settings) -> anyhow::Result<Self> {
        let server = PrivateServer::start(settings)?;
        server.ensure_database(NAME)?;
        let pid_file = fs::read_to_string(server.data_directory().join("postmaster.pid"))
            .context("PostgreSQL runs without a pid file")?;
        let postmaster = pid_file.lines().next().unwrap_or_default().parse()?;
        Ok(Self {
            url: server.url(NAME),
            postmaster,
            version: psql(&server, "SHOW server_version")?,
            server,
        })
    }

    /// Opens a connection.
    ///
    /// # Errors
    /// If PostgreSQL refuses the connection.
    pub(crate) async fn connect(&self) -> anyhow::Result<PgConnection> {
        Ok(PgConnection::connect(&self.url).await?)
    }

    /// Writes enough write-ahead log that the measurements reuse existing segments, as a server that has run
    /// for a while does. Filling a new segment with zeros takes longer than an update.
    ///
    /// # Errors
    /// If PostgreSQL refuses a statement.
    pub(crate) async fn prepare_log(&self) -> anyhow::Result<()> {
        let mut connection = self.connect().await?;
        for _ in 0..LOG_SEGMENTS {
            sqlx::query("SELECT pg_logical_emit_message(false, 'bench', 'another segment'), pg_switch_wal()")
                .execute(&mut connection)
                .await?;
        }
        Ok(())
    }

    /// Vacuums, analyzes and writes a checkpoint, so that autovacuum has nothing to do during a measurement.
    ///
    /// # Errors
    /// If PostgreSQL refuses a statement.
    pub(crate) async fn settle(&self) -> anyhow::Result<()> {
        let mut connection = self.connect().await?;
        sqlx::raw_sql("VACUUM ANALYZE")
            .execute(&mut connection)
            .await?;
        sqlx::raw_sql("CHECKPOINT").execute(&mut connection).await?;
        Ok(())
    }

    /// Stops the server.
    ///
    /// # Errors
    /// If the server does not end in time.
    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        Ok(spawn_blocking(move || self.server.stop()).await??)
    }
}

/// Writes [`TUNING`] to the server's configuration and stops the server, so that its next start applies it.
fn tune(server: &PrivateServer) -> anyhow::Result<()> {
    for (name, value) in TUNING {
        psql(server, &format!("ALTER SYSTEM SET {name} = '{value}'"))?;
    }
    Ok(server.stop()?)
}

fn psql(server: &PrivateServer, statement: &str) -> anyhow::Result<String> {
    let answer = server
        .psql("postgres")
        .args(["-c", statement])
        .output()
        .context("cannot run psql")?;
    let error = String::from_utf8_lossy(&answer.stderr);
    ensure!(
        answer.status.success(),
        "PostgreSQL refused `{statement}`: {}",
        error.trim()
    );
    Ok(String::from_utf8_lossy(&answer.stdout).trim().to_owned())
}
