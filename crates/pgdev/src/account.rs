//! The user of the operating system that the server runs as.

use std::env;
use std::ffi::OsStr;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};

/// The numbers of a user and of their group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ids {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

/// This process's user, and the one that the server's processes run as.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Account {
    pub(crate) ours: Ids,
    pub(crate) server: Ids,
}

impl Account {
    /// Finds the server's user: our own, unless we are root, because Postgres refuses to run as root. `None` if we are
    /// root and there is no other user to run as.
    pub(crate) fn current() -> io::Result<Option<Self>> {
        let ours = Ids {
            uid: id(&["-u"])?.ok_or_else(|| io::Error::other("`id -u` printed no number"))?,
            gid: id(&["-g"])?.ok_or_else(|| io::Error::other("`id -g` printed no number"))?,
        };
        if ours.uid != 0 {
            return Ok(Some(Self { ours, server: ours }));
        }
        for name in ["postgres", "nobody"] {
            if let (Some(uid), Some(gid)) = (id(&["-u", name])?, id(&["-g", name])?) {
                let server = Ids { uid, gid };
                return Ok(Some(Self { ours, server }));
            }
        }
        Ok(None)
    }

    /// Whether the server runs as another user than this process.
    pub(crate) fn drops_privileges(&self) -> bool {
        self.ours.uid != self.server.uid
    }

    /// Prepares a command that runs as the server's user and sees none of our settings for other servers.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        // Some of the programs complain if they may not read the current directory, and the server's user may not read
        // ours.
        command.current_dir("/").stdin(Stdio::null());
        for (name, _) in env::vars_os() {
            if name.as_encoded_bytes().starts_with(b"PG") {
                command.env_remove(name);
            }
        }
        command.env_remove("TZ").env("LC_ALL", "C");
        command.env("PGCONNECT_TIMEOUT", "5");
        if self.drops_privileges() {
            command.gid(self.server.gid).uid(self.server.uid);
        }
        command
    }
}

/// Runs `id`, which knows user directories beside `/etc/passwd`; `None` if it does not know the user.
fn id(arguments: &[&str]) -> io::Result<Option<u32>> {
    let answer = Command::new("id").args(arguments).output()?;
    Ok(String::from_utf8_lossy(&answer.stdout).trim().parse().ok())
}
