//! The directory of the data while the benchmark runs: in memory, if there is room.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};
use tempfile::TempDir;

use crate::BenchFlags;

const IN_MEMORY: &str = "/dev/shm";

const MIB: u64 = 1 << 20;

/// The space of the write-ahead log (6 GiB, and a quarter more during a checkpoint) and the empty cluster.
const BASE_MIB: u64 = 8_000;

/// The space that a second of bare SQL takes: 60,000 events with their index entries.
const A_SECOND_MIB: u64 = 30;

/// A directory of this run alone.
pub(crate) struct DataDirectory {
    directory: TempDir,
    /// The kind of storage, in words for the report.
    pub(crate) kind: String,
}

/// Returns the disk space that a run needs at most, in bytes.
pub(crate) fn room_for(flags: &BenchFlags) -> u64 {
    // Four measurements write: batches, repeated batches, and single updates in two ways.
    let seconds = u64::from(flags.rounds + 1) * u64::from(flags.seconds) * 4;
    (BASE_MIB + A_SECOND_MIB * seconds) * MIB
}

impl DataDirectory {
    /// Creates a directory below the chosen one. Without a choice, the directory is in memory, or in the
    /// system's temporary directory if memory has no room.
    ///
    /// # Errors
    /// If there is too little free space.
    pub(crate) fn prepare(chosen: Option<&Path>, room: u64) -> anyhow::Result<Self> {
        let parent = match chosen {
            Some(chosen) => chosen.to_owned(),
            None => in_memory(room).unwrap_or_else(std::env::temp_dir),
        };
        let directory = tempfile::Builder::new()
            .prefix("bf-bench-")
            .tempdir_in(&parent)
            .with_context(|| format!("cannot write to {}", parent.display()))?;
        // If root runs the benchmark, PostgreSQL runs as another user, who must be able to enter.
        fs::set_permissions(directory.path(), Permissions::from_mode(0o711))?;
        let (filesystem, available) = inspect_filesystem(directory.path())?;
        ensure!(
            available >= room,
            "{} has {} MiB of free space, but the run may need {}: choose another directory with --data-dir, or a shorter measurement",
            parent.display(),
            available / MIB,
            room / MIB
        );
        let kind = if filesystem == "tmpfs" {
            "its data in memory-backed storage".to_owned()
        } else {
            format!(
                "its data ON A DISK ({filesystem}): the rates then depend more on the disk than on the service"
            )
        };
        Ok(Self { directory, kind })
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Removes the directory with all its files.
    pub(crate) fn remove(self) -> io::Result<()> {
        self.directory.close()
    }
}

fn in_memory(room: u64) -> Option<PathBuf> {
    let (filesystem, available) = inspect_filesystem(Path::new(IN_MEMORY)).ok()?;
    let is_writable = tempfile::tempdir_in(IN_MEMORY).is_ok();
    (filesystem == "tmpfs" && available >= room && is_writable).then(|| IN_MEMORY.into())
}

/// Returns the type and the free bytes of a directory's file system.
fn inspect_filesystem(directory: &Path) -> anyhow::Result<(String, u64)> {
    let answer = Command::new("df")
        .args(["--block-size=1", "--output=fstype,avail"])
        .arg(directory)
        .output()
        .context("cannot run df")?;
    let said = String::from_utf8_lossy(&answer.stdout);
    let mut fields = said.lines().nth(1).unwrap_or_default().split_whitespace();
    let (kind, available) = fields
        .next()
        .zip(fields.next())
        .context("df does not list the data directory")?;
    Ok((kind.to_owned(), available.parse()?))
}
