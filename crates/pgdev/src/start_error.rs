//! The reasons why a server could not be started.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use crate::binaries::NoBinaries;

/// The reason why there is no server. No process that the failed start has started is left running.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Postgres is not installed.
    #[error(transparent)]
    NoBinaries(#[from] NoBinaries),
    /// [`Settings::name`](crate::Settings::name) has characters that it may not have, or a wrong length.
    #[error("{0:?} is no name for a server: use 1 to 32 of a-z, 0-9, - and _")]
    Name(String),
    /// This process is root, and there is no other user that the server could run as.
    #[error("PostgreSQL does not run as root, and there is neither a user postgres nor nobody")]
    NoAccount,
    /// A directory is not safe to use.
    #[error("{} is not used, as {reason}", .path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// The reason why it is not safe.
        reason: String,
    },
    /// The operating system refused an action.
    #[error("cannot {action} {}", .path.display())]
    Io {
        /// The action that was tried.
        action: &'static str,
        /// The file that the action was tried on.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// `initdb` failed.
    #[error("initdb failed: {output}")]
    Initdb {
        /// The errors that it printed.
        output: String,
    },
    /// The server ended before it accepted connections.
    #[error("PostgreSQL did not start ({status}). The end of its log:\n{log}")]
    Exited {
        /// The exit status of the server.
        status: ExitStatus,
        /// The last lines of the server's log.
        log: String,
    },
    /// The server runs and accepts no connections.
    #[error("PostgreSQL accepted no connection within {seconds} s. The end of its log:\n{log}")]
    NotReady {
        /// The seconds that it was waited for.
        seconds: u64,
        /// The last lines of the server's log.
        log: String,
    },
    /// Another process did not release a lock in time.
    #[error("another process did not release {} in time", .path.display())]
    Busy {
        /// The lock file.
        path: PathBuf,
    },
}

impl StartError {
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io {
            action,
            path,
            source,
        }
    }

    pub(crate) fn directory(path: &Path, reason: String) -> Self {
        Self::Directory {
            path: path.to_owned(),
            reason,
        }
    }
}
