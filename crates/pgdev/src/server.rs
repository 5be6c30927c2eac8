//! A running server, as its users see it.

use std::io;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::account::Account;
use crate::binaries::Binaries;
use crate::layout::Layout;
use crate::lock;

/// A server that this process has started or attached to. Dropping the value does nothing: the server stops by itself
/// when nobody uses it, or by [`PrivateServer::stop`].
#[derive(Debug, Clone)]
pub struct PrivateServer {
    pub(crate) layout: Layout,
    pub(crate) binaries: Binaries,
    pub(crate) account: Account,
}

impl PrivateServer {
    /// Returns the URL of a database, for sqlx and libpq alike:
    /// `postgres://postgres@localhost/<database>?host=<socket directory>`.
    pub fn url(&self, database: &str) -> String {
        let sockets = self.socket_directory().display();
        format!("postgres://postgres@localhost/{database}?host={sockets}")
    }

    /// Prepares a `psql` on a database, to which the caller adds arguments. It runs as the server's user in `/`, reads no
    /// start-up file, fails at the first error and prints bare rows.
    pub fn psql(&self, database: &str) -> Command {
        let mut command = self.account.command(self.binaries.program("psql"));
        command
            .args(["-XAtqw", "-v", "ON_ERROR_STOP=1", "-U", "postgres"])
            .arg("-h")
            .arg(self.socket_directory())
            .args(["-d", database]);
        command
    }

    /// Whether any process of the server is left. It need not accept connections.
    ///
    /// # Errors
    /// If its lock file cannot be opened.
    pub fn is_running(&self) -> io::Result<bool> {
        lock::is_held(&self.layout.server_lock())
    }

    /// The data directory of Postgres. Only the server's user may read it.
    pub fn data_directory(&self) -> PathBuf {
        self.layout.data()
    }

    /// The directory of the socket. Only the server's user and root may use it. Its path has at most 89 bytes.
    pub fn socket_directory(&self) -> &Path {
        self.layout.sockets()
    }

    /// The file with what the server and its watchdog have logged since the server was started.
    pub fn log_file(&self) -> PathBuf {
        self.layout.log()
    }

    /// Whether the server answers a query. A connection is tried first, because that starts no process.
    pub(crate) fn answers(&self) -> bool {
        UnixStream::connect(self.layout.socket()).is_ok()
            && self
                .psql("postgres")
                .args(["-c", "select 1"])
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()
                .is_ok_and(|status| status.success())
    }
}
