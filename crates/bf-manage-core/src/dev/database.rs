//! The database of `dev`: a private server, or the server that `DATABASE_URL` names.

use anyhow::Context;
use pgdev::{PrivateServer, Settings};
use secrecy::{ExposeSecret, SecretString};
use tokio::task::spawn_blocking;

use super::data_dir::DataDir;

/// The database that `dev` uses, and stops if it is the private server.
pub struct Database {
    /// The URL for sqlx.
    pub url: String,
    server: Option<PrivateServer>,
}

impl Database {
    /// Uses the given URL, or else starts or attaches to the private server of this data directory.
    ///
    /// # Errors
    /// What to install if PostgreSQL's programs are missing, otherwise the server's own error.
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
        let server = server.await.context("starting PostgreSQL panicked")??;
        Ok(Self {
            url: server.url("telematics"),
            server: Some(server),
        })
    }

    /// Whether this is the private server, which stops with `dev`.
    pub fn is_private(&self) -> bool {
        self.server.is_some()
    }

    /// The URL as the banner may show it. Any server but the private one is shown as the variable that names it,
    /// because its URL may contain a password.
    pub fn displayed_url(&self) -> String {
        if self.is_private() {
            format!("'{}'", self.url)
        } else {
            "\"$DATABASE_URL\"".to_owned()
        }
    }

    /// Stops the private server, for all its clients.
    ///
    /// # Errors
    /// When the server does not stop in time.
    pub async fn stop(self) -> anyhow::Result<()> {
        match self.server {
            Some(server) => Ok(spawn_blocking(move || server.stop()).await??),
            None => Ok(()),
        }
    }
}
