//! Creating databases in a server.

use std::io;

use crate::lock;
use crate::server::PrivateServer;
use std::time::Duration;

/// The time that a caller waits until others have created their databases.
const LOCK_PATIENCE: Duration = Duration::from_mins(1);

/// The reason why a database could not be created.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// The name would have to be quoted.
    #[error(
        "{0:?} is no name for a database: use 1 to 63 of a-z, 0-9 and _, and do not begin with a digit"
    )]
    Name(String),
    /// The server refused.
    #[error("PostgreSQL refused: {0}")]
    Refused(String),
    /// `psql` could not be run, or the lock could not be taken.
    #[error("cannot reach PostgreSQL")]
    Io(#[from] io::Error),
}

impl PrivateServer {
    /// Creates the database unless it exists. If several processes call this at once, one creates it.
    ///
    /// # Errors
    /// See [`DatabaseError`].
    pub fn ensure_database(&self, database: &str) -> Result<(), DatabaseError> {
        if !is_plain(database) {
            return Err(DatabaseError::Name(database.to_owned()));
        }
        let _turn = lock::take_within(&self.layout.start_lock(), LOCK_PATIENCE)?;
        let found = self.query(&format!(
            "select 1 from pg_database where datname = '{database}'"
        ))?;
        if found.is_empty() {
            self.query(&format!("create database \"{database}\""))?;
        }
        Ok(())
    }

    /// Runs a statement and returns its rows as text.
    fn query(&self, statement: &str) -> Result<String, DatabaseError> {
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
