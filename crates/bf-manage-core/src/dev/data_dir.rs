//! The data directory of `dev`. One `dev` uses it at a time, and the next `dev` finds its data there.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

/// The directory of root's data.
const ROOT_DATA: &str = "/var/tmp/bf-telematics-root";

/// A directory that only this process uses as long as it runs.
pub struct DataDir {
    path: PathBuf,
    /// The lock on the directory. The operating system releases it however the process ends.
    _lock: File,
}

impl DataDir {
    /// Opens the directory, and creates it if it is missing.
    ///
    /// # Errors
    /// When another `dev` uses the directory, or it cannot be created.
    pub fn open(given: Option<PathBuf>) -> anyhow::Result<Self> {
        let path = given.unwrap_or_else(default_path);
        create_private_dir(&path)?;
        let path = path
            .canonicalize()
            .with_context(|| format!("cannot use {}", path.display()))?;
        create_private_dir(&path.join("credentials"))?;
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

    /// The absolute path of the directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The folder of `file:` credential references.
    pub fn credentials(&self) -> PathBuf {
        self.path.join("credentials")
    }

    /// Returns the directory of the database's files. A server that root starts runs as another user, who must be
    /// able to reach the files. If only root may enter a parent of the data directory, the files are elsewhere,
    /// under a name made from the data directory's path.
    ///
    /// # Errors
    /// When the directory cannot be opened to that user.
    pub fn server_files(&self) -> anyhow::Result<PathBuf> {
        if !is_root() {
            return Ok(self.path.join("postgres"));
        }
        // The secret files in the directory have modes of their own.
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

    /// Writes a credential of a simulated provider.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write_credential(&self, name: &str, secret: &str) -> anyhow::Result<()> {
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

/// Returns the default directory: for root one that the database's user can reach, for any other user one at home.
#[expect(
    clippy::disallowed_methods,
    reason = "the user's directories are no settings of ours"
)]
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

fn create_private_dir(path: &Path) -> anyhow::Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .with_context(|| format!("cannot create {}", path.display()))
}
