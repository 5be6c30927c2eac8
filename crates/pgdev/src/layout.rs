//! The paths of one server's files.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::account::Account;
use crate::directory;
use crate::settings::Settings;
use crate::start_error::StartError;

const PRODUCT: &str = "bf-telematics";

/// The name that Postgres gives to its socket on the default port.
const SOCKET: &str = ".s.PGSQL.5432";

/// The longest path that a socket may have: 107 bytes on Linux, 103 on macOS.
const LONGEST_SOCKET_PATH: usize = 103;

/// The paths of one server. Its directories exist and are safe to use.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    instance: PathBuf,
    sockets: PathBuf,
}

impl Layout {
    /// Creates the directories that are missing and checks the others.
    #[expect(
        clippy::disallowed_methods,
        reason = "a server's folder is found by its user's environment"
    )]
    pub(crate) fn prepare(
        settings: &Settings,
        major: u32,
        account: &Account,
    ) -> Result<Self, StartError> {
        let parent = match &settings.data_dir {
            Some(chosen) => {
                std::path::absolute(chosen).map_err(StartError::io("resolve", chosen))?
            }
            None => default_parent(account, env::var_os("XDG_STATE_HOME"), env::var_os("HOME")),
        };
        directory::ensure_parent(&parent, account)?;

        let instance = parent.join(format!("{}-pg{major}", settings.name));
        directory::ensure_ours(&instance, account)?;
        let sockets = socket_directory(&instance, account.ours.uid);
        directory::ensure_servers(&sockets, account)?;
        Ok(Self { instance, sockets })
    }

    pub(crate) fn start_lock(&self) -> PathBuf {
        self.instance.join("start.lock")
    }

    pub(crate) fn server_lock(&self) -> PathBuf {
        self.instance.join("server.lock")
    }

    pub(crate) fn watchdog_lock(&self) -> PathBuf {
        self.instance.join("watchdog.lock")
    }

    pub(crate) fn watchdog_script(&self) -> PathBuf {
        self.instance.join("watchdog.sh")
    }

    /// The file with the number of starts and attachments. When it changes, the watchdog begins to count idle seconds
    /// anew.
    pub(crate) fn attachments(&self) -> PathBuf {
        self.instance.join("attachments")
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.instance.join("log")
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.instance.join("data")
    }

    /// The data directory while `initdb` runs, so that `data` is always complete.
    pub(crate) fn unfinished_data(&self) -> PathBuf {
        self.instance.join("data.unfinished")
    }

    /// The file that exists if the data belongs to a throwaway server.
    pub(crate) fn throwaway_mark(&self) -> PathBuf {
        self.instance.join("throwaway")
    }

    pub(crate) fn sockets(&self) -> &Path {
        &self.sockets
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.sockets.join(SOCKET)
    }

    /// The file with the number of the process that created the socket.
    pub(crate) fn socket_lock(&self) -> PathBuf {
        self.sockets.join(format!("{SOCKET}.lock"))
    }

    /// The directory that exists while the watchdog decides to stop the server and stops it.
    pub(crate) fn stopping_mark(&self) -> PathBuf {
        self.sockets.join("stopping")
    }
}

fn default_parent(
    account: &Account,
    state_home: Option<OsString>,
    home: Option<OsString>,
) -> PathBuf {
    if account.ours.uid == 0 {
        // Root's home is closed to the server's user.
        return Path::new("/var/tmp").join(format!("{PRODUCT}-root"));
    }
    let absolute = |path: Option<OsString>| path.map(PathBuf::from).filter(|p| p.is_absolute());
    absolute(state_home)
        .or_else(|| absolute(home).map(|home| home.join(".local/state")))
        .map_or_else(
            || Path::new("/var/tmp").join(format!("{PRODUCT}-{}", account.ours.uid)),
            |state| state.join(PRODUCT),
        )
}

/// Chooses the directory of the socket: in the instance's directory if that path is short and plain enough for a socket,
/// a URL and a setting of Postgres, else in `/tmp`.
fn socket_directory(instance: &Path, our_uid: u32) -> PathBuf {
    let preferred = instance.join("run");
    let bytes = preferred.as_os_str().as_encoded_bytes();
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"/._-".contains(byte);
    if bytes.len() + 1 + SOCKET.len() <= LONGEST_SOCKET_PATH && bytes.iter().all(plain) {
        return preferred;
    }
    let hash = fnv1a(instance.as_os_str().as_encoded_bytes());
    Path::new("/tmp").join(format!("{PRODUCT}-{our_uid}-{hash:016x}"))
}

/// Hashes bytes to the same number in every build, which the standard library's hashes do not promise.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::Ids;

    fn user(uid: u32) -> Account {
        let ids = Ids { uid, gid: uid };
        Account {
            ours: ids,
            server: ids,
        }
    }

    #[test]
    fn the_default_parent_depends_on_the_user_and_their_settings() {
        let parent = |uid, state: Option<&str>, home: Option<&str>| {
            default_parent(&user(uid), state.map(Into::into), home.map(Into::into))
        };
        let cases = [
            (
                parent(0, Some("/s"), Some("/root")),
                "/var/tmp/bf-telematics-root",
            ),
            (parent(7, Some("/s"), Some("/home/x")), "/s/bf-telematics"),
            (
                parent(7, Some("s"), Some("/home/x")),
                "/home/x/.local/state/bf-telematics",
            ),
            (parent(7, None, Some("")), "/var/tmp/bf-telematics-7"),
        ];
        for (chosen, expected) in cases {
            assert_eq!(chosen, Path::new(expected));
        }
    }

    #[test]
    fn the_socket_stays_beside_the_data_where_its_path_allows() {
        let short = Path::new("/var/tmp/bf-telematics-root/dev-pg15");
        assert_eq!(socket_directory(short, 0), short.join("run"));

        let long = format!("/home/{}/dev-pg15", "x".repeat(90));
        for instance in [long.as_str(), "/home/a b/dev-pg15", "/home/a,b/dev-pg15"] {
            let chosen = socket_directory(Path::new(instance), 7);
            assert!(chosen.starts_with("/tmp"), "{}", chosen.display());
            assert!(chosen.as_os_str().len() + 1 + SOCKET.len() <= LONGEST_SOCKET_PATH);
        }
    }
}
