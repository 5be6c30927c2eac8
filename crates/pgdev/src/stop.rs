//! Stopping a server for all who use it.

use std::io;
use std::thread;
use std::time::{Duration, Instant};

use crate::lock;
use crate::server::PrivateServer;

const BETWEEN_LOOKS: Duration = Duration::from_millis(20);

/// For the turn at the start lock: a start that hangs must not keep us from stopping.
const TURN: Duration = Duration::from_secs(2);

/// How Postgres is told to stop, and how long it gets: the first breaks off the clients' work and writes everything
/// down; the second leaves that to the recovery at the next start, and after 5 s kills what has not ended.
const SHUTDOWNS: [(&str, Duration); 2] = [
    ("fast", Duration::from_secs(6)),
    ("immediate", Duration::from_secs(6)),
];

/// Why a server still runs.
#[derive(Debug, thiserror::Error)]
pub enum StopError {
    /// It did not end in time.
    #[error("PostgreSQL is still running after a fast and an immediate shutdown")]
    StillRunning,
    /// It could not be told, or its lock not be looked at.
    #[error("cannot stop PostgreSQL")]
    Io(#[from] io::Error),
}

impl PrivateServer {
    /// Stops the server, whoever is connected to it, and returns when it is gone: at once if it was gone already, usually
    /// in a tenth of a second, within 15 s in any case. Its durable data stays.
    ///
    /// # Errors
    /// See [`StopError`].
    pub fn stop(&self) -> Result<(), StopError> {
        let _turn = lock::take_within(&self.layout.start_lock(), TURN)?;
        self.shut_down()
    }

    pub(crate) fn shut_down(&self) -> Result<(), StopError> {
        for (mode, patience) in SHUTDOWNS {
            if !self.is_running()? {
                return Ok(());
            }
            // It fails when the server ends by itself meanwhile, which the lock tells better.
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
