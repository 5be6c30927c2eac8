//! What nearly every measurement is made on: a place, a PostgreSQL server and a service, all of this run.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;

use crate::Running;
use crate::cpu::Processes;
use crate::database::Database;
use crate::place::Place;
use crate::service::{self, Service};

/// Where to measure, and what.
#[derive(Debug, Args)]
pub(crate) struct Grounds {
    /// Where the data is kept while it runs; by default in memory, where there is room.
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// The program to measure; by default the `dist` build of these sources.
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
}

/// What was started; [`Running`] stops it.
pub(crate) struct Started<'r> {
    pub(crate) place: &'r Place,
    pub(crate) database: &'r Database,
    pub(crate) service: &'r Service,
    pub(crate) processes: Processes,
}

impl Grounds {
    /// The program to measure, built where none is named.
    ///
    /// # Errors
    /// When it is not there, or does not build.
    pub(crate) async fn program(&self) -> anyhow::Result<PathBuf> {
        match &self.program {
            Some(program) => Ok(program.canonicalize()?),
            None => service::build().await,
        }
    }

    /// Starts a server where there are so many bytes to be had.
    ///
    /// # Errors
    /// When there is no room, or PostgreSQL does not start.
    pub(crate) fn start_database<'r>(
        &self,
        room: u64,
        running: &'r mut Running,
    ) -> anyhow::Result<(&'r Place, &'r Database)> {
        let place = Place::prepare(self.data_dir.as_deref(), room)?;
        let place = running.place.insert(place);
        let database = running.database.insert(Database::start(place.path())?);
        eprintln!(
            "bench: PostgreSQL {} is up, {}",
            database.version, place.kind
        );
        Ok((place, database))
    }

    /// Starts a server and a service on it.
    ///
    /// # Errors
    /// When one of them does not start.
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
            anyhow::bail!("the server is gone");
        };
        let service = service.insert(Service::start(&program, place.path(), database).await?);
        Ok(Started {
            processes: Processes {
                service: service.process().context("the service is gone")?,
                postmaster: database.postmaster,
            },
            place,
            database,
            service,
        })
    }
}
