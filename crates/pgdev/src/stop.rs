//! Stopping a server, for all processes that use it.

use std::io;
use std::thread;
use std::time::{Duration, Instant};

use crate::lock;
use crate::server::PrivateServer;

const BETWEEN_LOOKS: Duration = Duration::from_millis(20);

/// The time to wait for the start lock. It is short, because a start that hangs must not prevent a stop.
const LOCK_PATIENCE: Duration = Duration::from_secs(2);

/// The ways to stop Postgres, and the time that each gets. A fast shutdown cancels the clients' work and writes
/// everything to disk. An immediate one leaves that to the recovery at the next start, and after 5 s kills what has not
/// ended.
const SHUTDOWNS: [(&str, Duration); 2] = [
    ("fast", Duration::from_secs(6)),
    ("immediate", Duration::from_secs(6)),
];

/// The reason why a server could not be stopped.
#[derive(Debug, thiserror::Error)]
pub enum StopError {
    /// The server did not end in time.
    #[error("PostgreSQL is still running after a fast and an immediate shutdown")]
    StillRunning,
    /// `pg_ctl` could not be run, or the lock could not be looked at.
    #[error("cannot stop PostgreSQL")]
    Io(#[from] io::Error),
}

impl PrivateServer {
    /// Stops the server, even while clients are connected, and returns when it has ended: at once if it had ended
    /// already, usually after a tenth of a second, after 15 s at most. Durable data stays.
    ///
    /// # Errors
    /// See [`StopError`].
    pub fn stop(&self) -> Result<(), StopError> {
        let _turn = lock::take_within(&self.layout.start_lock(), LOCK_PATIENCE)?;
        self.shut_down()
    }

    pub(crate) fn shut_down(&self) -> Result<(), StopError> {
        for (mode, patience) in SHUTDOWNS {
            if !self.is_running()? {
                return Ok(());
            }
            // The command fails if the server ends by itself meanwhile; the lock says whether it has ended.
            self.account
                .command(self.binaries.program("pg_ctl"))
                .args(["stop", "--silent", "--no-wait", "--mode", mode, "--pgdata"])
                .arg(self.data_directory())
                .output()?;
            if self.ends_within(patience)? {
                return Ok(());
            }
        }
        Err(StopError::StillRunning)
    }

    fn ends_within(&self, patience: Duration) -> io::Result<bool> {
        let since = Instant::now();
        while self.is_running()? {
            if since.elapsed() > patience {
                return Ok(false);
            }
            thread::sleep(BETWEEN_LOOKS);
        }
        Ok(true)
    }
}
