//! Databases within a server.

use std::io;

use crate::lock;
use crate::server::PrivateServer;
use std::time::Duration;

const TURN: Duration = Duration::from_mins(1);

/// Why a database is not there.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// The name would need quoting.
    #[error(
        "{0:?} does not name a database: 1 to 63 of a-z, 0-9 and _ do, not starting with a digit"
    )]
    Name(String),
    /// The server refused.
    #[error("PostgreSQL refused: {0}")]
    Refused(String),
    /// `psql` could not be run, or the lock not be taken.
    #[error("cannot reach PostgreSQL")]
    Io(#[from] io::Error),
}

impl PrivateServer {
    /// Creates the database unless it is there; of several processes that do so at once, one does it.
    ///
    /// # Errors
    /// See [`DatabaseError`].
    pub fn ensure_database(&self, database: &str) -> Result<(), DatabaseError> {
        if !is_plain(database) {
            return Err(DatabaseError::Name(database.to_owned()));
        }
        let _turn = lock::take_within(&self.layout.start_lock(), TURN)?;
        let found = self.rows(&format!(
            "select 1 from pg_database where datname = '{database}'"
        ))?;
        if found.is_empty() {
            self.rows(&format!("create database \"{database}\""))?;
        }
        Ok(())
    }

    fn rows(&self, statement: &str) -> Result<String, DatabaseError> {
        let answer = self.psql("postgres").args(["-c", statement]).output()?;
        if answer.status.success() {
            return Ok(String::from_utf8_lossy(&answer.stdout).trim().to_owned());
        }
        let said = String::from_utf8_lossy(&answer.stderr);
        Err(DatabaseError::Refused(said.trim().to_owned()))
    }
}

fn is_plain(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    (1..=63).contains(&name.len())
        && name.bytes().all(plain)
        && !name.starts_with(|first: char| first.is_ascii_digit())
}
