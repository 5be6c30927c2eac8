//! The server that both sides are measured on: durable as in production, tuned as one would.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, ensure};
use pgdev::{PrivateServer, Settings};
use sqlx::{Connection as _, PgConnection};
use tokio::task::spawn_blocking;

/// Of 16 MB: as much as the server keeps.
const LOG_SEGMENTS: u32 = 192;

const NAME: &str = "bench";

/// Long enough to stay up between two connections of a run, short enough to end soon after a crash.
const LINGER: Duration = Duration::from_secs(30);

/// No checkpoint falls into one side's round and not into the other's; everything else is as by
/// default, `fsync` and `synchronous_commit` above all.
const TUNING: [(&str, &str); 6] = [
    ("shared_buffers", "2GB"),
    ("max_wal_size", "6GB"),
    ("min_wal_size", "3GB"),
    ("checkpoint_timeout", "15min"),
    ("wal_compression", "lz4"),
    ("work_mem", "32MB"),
];

/// A running server with a database.
pub(crate) struct Database {
    /// For sqlx.
    pub(crate) url: String,
    /// The process that all others of the server are children of.
    pub(crate) postmaster: u32,
    /// As it names itself.
    pub(crate) version: String,
    server: PrivateServer,
}

impl Database {
    /// Starts a tuned server. Blocks: nothing else goes on meanwhile, and so a server that starts is
    /// always one that is stopped again.
    ///
    /// # Errors
    /// When PostgreSQL is missing or refuses.
    pub(crate) fn start(directory: &Path) -> anyhow::Result<Self> {
        let settings = Settings {
            data_dir: Some(directory.join("postgres")),
            linger: LINGER,
            ..Settings::durable(NAME)
        };
        let server = PrivateServer::start(&settings)?;
        let started = tune(&server).and_then(|()| Self::of(&settings));
        if started.is_err() {
            // What went wrong is told already.
            let _ = server.stop();
        }
        started
    }

    fn of(settings: &Settings) -> anyhow::Result<Self> {
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

    /// A connection of the benchmark's own.
    ///
    /// # Errors
    /// When PostgreSQL refuses.
    pub(crate) async fn connect(&self) -> anyhow::Result<PgConnection> {
        Ok(PgConnection::connect(&self.url).await?)
    }

    /// Writes as much log as a side of any part does, so that both sides write into segments that are there
    /// already, as in a server that has run for a while. To fill a new one with zeros takes longer than an
    /// update.
    ///
    /// # Errors
    /// When PostgreSQL refuses.
    pub(crate) async fn prepare_log(&self) -> anyhow::Result<()> {
        let mut connection = self.connect().await?;
        for _ in 0..LOG_SEGMENTS {
            sqlx::query("SELECT pg_logical_emit_message(false, 'bench', 'another segment'), pg_switch_wal()")
                .execute(&mut connection)
                .await?;
        }
        Ok(())
    }

    /// Does at once what autovacuum would come to: the planner knows the tables, their pages are clean.
    ///
    /// # Errors
    /// When PostgreSQL refuses.
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
    /// When it does not end in time.
    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        Ok(spawn_blocking(move || self.server.stop()).await??)
    }
}

/// Writes the settings down and stops the server, so that its next start finds them.
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
        .context("psql does not run")?;
    let said = String::from_utf8_lossy(&answer.stderr);
    ensure!(answer.status.success(), "{statement}: {}", said.trim());
    Ok(String::from_utf8_lossy(&answer.stdout).trim().to_owned())
}
