//! The database of `dev`: a private server, or the one that `DATABASE_URL` names.

use anyhow::Context;
use pgdev::{PrivateServer, Settings};
use secrecy::{ExposeSecret, SecretString};
use tokio::task::spawn_blocking;

use super::data_dir::DataDir;

/// A database to use, and to stop where it is ours.
pub struct Database {
    /// For sqlx.
    pub url: String,
    server: Option<PrivateServer>,
}

impl Database {
    /// Starts or attaches to the private server of this data directory, unless a URL is given.
    ///
    /// # Errors
    /// Where PostgreSQL's programs are missing, what to install; else what the server said.
    pub async fn start(given: Option<SecretString>, data_dir: &DataDir) -> anyhow::Result<Self> {
        if let Some(url) = given {
            return Ok(Self {
                url: url.expose_secret().to_owned(),
                server: None,
            });
        }
        let settings = Settings {
            data_dir: Some(data_dir.server_files()?),
            ..Settings::durable("dev")
        };
        let server = spawn_blocking(move || -> anyhow::Result<PrivateServer> {
            let server = PrivateServer::start(&settings)?;
            server.ensure_database("telematics")?;
            Ok(server)
        });
        let server = server
            .await
            .context("the start of PostgreSQL broke off")??;
        Ok(Self {
            url: server.url("telematics"),
            server: Some(server),
        })
    }

    /// Whether it is this `dev`'s own, and stops with it.
    pub fn is_private(&self) -> bool {
        self.server.is_some()
    }

    /// As it may be shown: a server of somebody else's by the variable that names it, since its URL
    /// may hold a password.
    pub fn shown(&self) -> String {
        if self.is_private() {
            format!("'{}'", self.url)
        } else {
            "\"$DATABASE_URL\"".to_owned()
        }
    }

    /// Stops the private server, for all its clients.
    ///
    /// # Errors
    /// When it does not stop in time.
    pub async fn stop(self) -> anyhow::Result<()> {
        match self.server {
            Some(server) => Ok(spawn_blocking(move || server.stop()).await??),
            None => Ok(()),
        }
    }
}
