//! Starting the watchdog, a shell script that outlives this process.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;

use crate::account::Account;
use crate::binaries::Binaries;
use crate::layout::Layout;
use crate::settings::Settings;

const SCRIPT: &str = include_str!("watchdog.sh");

/// A watchdog that can be started for a server.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Watchdog<'a> {
    pub(crate) layout: &'a Layout,
    pub(crate) binaries: &'a Binaries,
    pub(crate) account: &'a Account,
    pub(crate) settings: &'a Settings,
}

impl Watchdog<'_> {
    /// Starts a watchdog that starts the server. The watchdog ends when the server does; if the server fails before it
    /// accepts connections, the watchdog ends with the server's exit code.
    pub(crate) fn run(&self, lock: File, server_lock: File) -> io::Result<Child> {
        self.command("run", lock)?
            .args(self.server_options())
            .stdout(server_lock)
            .spawn()
    }

    /// Starts a watchdog for a running server that has none.
    pub(crate) fn adopt(&self, lock: File) -> io::Result<Child> {
        self.command("adopt", lock)?.stdout(Stdio::null()).spawn()
    }

    fn command(&self, task: &str, lock: File) -> io::Result<Command> {
        let layout = self.layout;
        // A file, and not an argument of `sh -c`, to keep the list of processes readable.
        replace(&layout.watchdog_script(), SCRIPT)?;
        let log = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .open(layout.log())?;
        let mut command = self.account.command("/bin/sh");
        command
            .arg(layout.watchdog_script())
            .arg(task)
            .arg(self.binaries.directory())
            .arg(layout.data())
            .arg(layout.sockets())
            .arg(layout.attachments())
            .arg(self.settings.linger_seconds().to_string())
            .process_group(0)
            .stdin(lock)
            .stderr(log);
        Ok(command)
    }

    fn server_options(&self) -> Vec<String> {
        let sockets = self.layout.sockets().display();
        let mut options = vec![
            "listen_addresses=".to_owned(),
            "port=5432".to_owned(),
            format!("unix_socket_directories={sockets}"),
            "logging_collector=off".to_owned(),
            "timezone=UTC".to_owned(),
            "log_timezone=UTC".to_owned(),
            // Otherwise a client that was killed within a long statement counts as connected until the statement ends.
            "client_connection_check_interval=1s".to_owned(),
        ];
        let durability = self.settings.durability.server_options();
        options.extend(durability.iter().map(|&option| option.to_owned()));
        options
            .into_iter()
            .flat_map(|option| ["-c".to_owned(), option])
            .collect()
    }
}

/// Waits for the watchdog on a thread, so that it does not stay a zombie if it ends before this process.
pub(crate) fn reap(mut watchdog: Child) {
    thread::spawn(move || watchdog.wait());
}

/// Replaces a file at once: a reader sees the old text or the new one. The server's user may read it.
pub(crate) fn replace(path: &Path, text: &str) -> io::Result<()> {
    let new = path.with_extension("new");
    fs::write(&new, text)?;
    fs::set_permissions(&new, fs::Permissions::from_mode(0o644))?;
    fs::rename(new, path)
}
