//! Why a start fails.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use crate::binaries::NoBinaries;

/// Why there is no server. Nothing that this start has started is left running.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Postgres is not installed.
    #[error(transparent)]
    NoBinaries(#[from] NoBinaries),
    /// [`Settings::name`](crate::Settings::name) does not fit a directory's name.
    #[error("{0:?} does not name a server: 1 to 32 of a-z, 0-9, - and _ do")]
    Name(String),
    /// We are root, and there is no user for the server to run as.
    #[error("PostgreSQL does not run as root, and there is neither a user postgres nor nobody")]
    NoAccount,
    /// A directory is not safe to use.
    #[error("{} is not used, as {reason}", .path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The system refused something.
    #[error("cannot {action} {}", .path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// `initdb` failed.
    #[error("initdb failed: {output}")]
    Initdb {
        /// What it printed.
        output: String,
    },
    /// The server ended before it accepted connections.
    #[error("PostgreSQL did not start ({status}). The end of its log:\n{log}")]
    Exited {
        /// How it ended.
        status: ExitStatus,
        /// Its last lines.
        log: String,
    },
    /// The server is there and accepts no connections.
    #[error("PostgreSQL accepted no connection within {seconds} s. The end of its log:\n{log}")]
    NotReady {
        /// How long it was waited for.
        seconds: u64,
        /// Its last lines.
        log: String,
    },
    /// Another process holds a lock for too long.
    #[error("another process did not let go of {} in time", .path.display())]
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
