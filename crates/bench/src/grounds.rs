//! The set-up of nearly every measurement: a directory, a PostgreSQL server and a service, all of this run.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;

use crate::Running;
use crate::cpu::Processes;
use crate::database::BenchDatabase;
use crate::place::DataDirectory;
use crate::service::{self, Service};

/// The flags that choose the data directory and the program to measure.
#[derive(Debug, Args)]
pub(crate) struct Grounds {
    /// Directory for the data of the run; by default in memory, if there is room.
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Program to measure; by default the `dist` build of these sources.
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
}

/// The started server and service, which [`Running`] stops.
pub(crate) struct Started<'r> {
    pub(crate) place: &'r DataDirectory,
    pub(crate) database: &'r BenchDatabase,
    pub(crate) service: &'r Service,
    pub(crate) processes: Processes,
}

impl Grounds {
    /// Returns the program to measure, which is built if no flag names one.
    ///
    /// # Errors
    /// If the named program does not exist, or the build fails.
    pub(crate) async fn program(&self) -> anyhow::Result<PathBuf> {
        match &self.program {
            Some(program) => Ok(program.canonicalize()?),
            None => service::build().await,
        }
    }

    /// Starts a PostgreSQL server in a directory with `room` bytes of free space.
    ///
    /// # Errors
    /// If there is too little free space, or PostgreSQL does not start.
    pub(crate) fn start_database<'r>(
        &self,
        room: u64,
        running: &'r mut Running,
    ) -> anyhow::Result<(&'r DataDirectory, &'r BenchDatabase)> {
        let place = DataDirectory::prepare(self.data_dir.as_deref(), room)?;
        let place = running.place.insert(place);
        let database = running.database.insert(BenchDatabase::start(place.path())?);
        eprintln!(
            "bench: PostgreSQL {} is up, {}",
            database.version, place.kind
        );
        Ok((place, database))
    }

    /// Starts a PostgreSQL server and a service that uses it.
    ///
    /// # Errors
    /// If one of them does not start.
    pub(crate) async fn start<'r>(
        &self,
        room: u64,
        running: &'r mut Running,
    ) -> anyhow::Result<Started<'r>> {
        let program = self.program().await?;
        self.start_database(room, running)?;
        let Running {
            service,
            database: Some(database),
            place: Some(place),
        } = running
        else {
            anyhow::bail!("the PostgreSQL server has stopped");
        };
        let service = service.insert(Service::start(&program, place.path(), database).await?);
        Ok(Started {
            processes: Processes {
                service: service.process().context("the service has ended")?,
                postmaster: database.postmaster,
            },
            place,
            database,
            service,
        })
    }
}
