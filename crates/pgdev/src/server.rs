//! A running server, as its users see it.

use std::io;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::account::Account;
use crate::binaries::Binaries;
use crate::layout::Layout;
use crate::lock;

/// A server that was started or attached to. Dropping it does nothing: the server stops by itself once unused, or at
/// [`PrivateServer::stop`].
#[derive(Debug, Clone)]
pub struct PrivateServer {
    pub(crate) layout: Layout,
    pub(crate) binaries: Binaries,
    pub(crate) account: Account,
}

impl PrivateServer {
    /// Where to connect to a database, for sqlx and libpq alike:
    /// `postgres://postgres@localhost/<database>?host=<socket directory>`.
    pub fn url(&self, database: &str) -> String {
        let sockets = self.socket_directory().display();
        format!("postgres://postgres@localhost/{database}?host={sockets}")
    }

    /// A `psql` on a database, for the caller to add arguments to. It runs as the server's user in `/`, reads no start-up
    /// file, fails at the first error and prints bare rows.
    pub fn psql(&self, database: &str) -> Command {
        let mut command = self.account.command(self.binaries.program("psql"));
        command
            .args(["-XAtqw", "-v", "ON_ERROR_STOP=1", "-U", "postgres"])
            .arg("-h")
            .arg(self.socket_directory())
            .args(["-d", database]);
        command
    }

    /// Whether any process of the server is left. No promise that it accepts connections.
    ///
    /// # Errors
    /// When its lock file cannot be opened.
    pub fn is_running(&self) -> io::Result<bool> {
        lock::is_held(&self.layout.server_lock())
    }

    /// Postgres's data directory, open to the server's user only.
    pub fn data_directory(&self) -> PathBuf {
        self.layout.data()
    }

    /// The directory with the socket, open to the server's user (and root) only. At most 89 bytes long.
    pub fn socket_directory(&self) -> &Path {
        self.layout.sockets()
    }

    /// What the server and its watchdog had to say since the server was started.
    pub fn log_file(&self) -> PathBuf {
        self.layout.log()
    }

    /// Whether a query is answered. A plain connection is tried first, as it costs no process.
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
