//! The data directory of `dev`: one `dev` at a time, found again by the next.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

/// Where root's data lies.
const ROOT_DATA: &str = "/var/tmp/bf-telematics-root";

/// A directory that this process alone uses, as long as it lives.
pub struct DataDir {
    path: PathBuf,
    /// Held; the operating system lets go of it however the process ends.
    _lock: File,
}

impl DataDir {
    /// Opens the directory, making it where it is new.
    ///
    /// # Errors
    /// When another `dev` uses it, or it cannot be made.
    pub fn open(given: Option<PathBuf>) -> anyhow::Result<Self> {
        let path = given.unwrap_or_else(default_path);
        private_dir(&path)?;
        let path = path
            .canonicalize()
            .with_context(|| format!("cannot use {}", path.display()))?;
        private_dir(&path.join("credentials"))?;
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(path.join("dev.lock"))
            .with_context(|| format!("cannot use {}", path.display()))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path, _lock: lock }),
            Err(TryLockError::WouldBlock) => bail!(
                "another dev uses {}: stop it, or name another directory with --data-dir",
                path.display()
            ),
            Err(TryLockError::Error(error)) => {
                Err(error).with_context(|| format!("cannot lock {}", path.display()))
            }
        }
    }

    /// The directory, absolute.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where `file:` credential references lead.
    pub fn credentials(&self) -> PathBuf {
        self.path.join("credentials")
    }

    /// Where the database's files go. A server started by root runs as another user, who must be able
    /// to reach them: where the directory lies in one that only root may enter, they lie elsewhere,
    /// under a name that this directory's path gives.
    ///
    /// # Errors
    /// When the directory cannot be opened to that user.
    pub fn server_files(&self) -> anyhow::Result<PathBuf> {
        if !is_root() {
            return Ok(self.path.join("postgres"));
        }
        // What is secret in it has modes of its own.
        fs::set_permissions(&self.path, Permissions::from_mode(0o711))
            .with_context(|| format!("cannot use {}", self.path.display()))?;
        let reachable = self
            .path
            .ancestors()
            .all(|folder| fs::metadata(folder).is_ok_and(|folder| folder.mode() & 0o001 != 0));
        Ok(if reachable {
            self.path.join("postgres")
        } else {
            Path::new(ROOT_DATA).join(
                self.path
                    .to_string_lossy()
                    .trim_start_matches('/')
                    .replace('/', "%"),
            )
        })
    }

    /// Keeps a credential of the simulated providers.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn keep_credential(&self, name: &str, secret: &str) -> anyhow::Result<()> {
        let path = self.credentials().join(name);
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(true)
            .write(true)
            .mode(0o600)
            .open(&path)
            .with_context(|| format!("cannot write {}", path.display()))?;
        Ok(file.write_all(secret.as_bytes())?)
    }
}

/// Root's data lies where the database's own user can reach it, an ordinary user's at home.
fn default_path() -> PathBuf {
    let home = std::env::var_os("XDG_STATE_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".local/state")));
    match home {
        Some(home) if !is_root() => home.join("bf-telematics/dev"),
        _ => Path::new(ROOT_DATA).join("dev"),
    }
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|me| me.uid() == 0)
}

fn private_dir(path: &Path) -> anyhow::Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .with_context(|| format!("cannot make {}", path.display()))
}
