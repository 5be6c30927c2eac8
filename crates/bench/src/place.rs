//! Where the data lies while the benchmark runs: in memory, where there is room.

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

/// The write-ahead log's 6 GiB, a quarter more while a checkpoint runs, and the empty cluster.
const BASE_MIB: u64 = 8_000;

/// What a second of bare SQL appends: 60,000 events with their index entries.
const A_SECOND_MIB: u64 = 30;

/// A directory of this run alone.
pub(crate) struct DataDirectory {
    directory: TempDir,
    /// In words, for the report.
    pub(crate) kind: String,
}

/// Bytes that a run may need at most.
pub(crate) fn room_for(flags: &BenchFlags) -> u64 {
    // Batches on both sides, repeated ones against new ones, single updates on both
    // sides in two ways.
    let seconds = u64::from(flags.rounds + 1) * u64::from(flags.seconds) * 4;
    (BASE_MIB + A_SECOND_MIB * seconds) * MIB
}

impl DataDirectory {
    /// Makes a directory in the chosen one; else in memory, or where there is no room among the
    /// system's temporary ones.
    ///
    /// # Errors
    /// When there is too little room.
    pub(crate) fn prepare(chosen: Option<&Path>, room: u64) -> anyhow::Result<Self> {
        let parent = match chosen {
            Some(chosen) => chosen.to_owned(),
            None => in_memory(room).unwrap_or_else(std::env::temp_dir),
        };
        let directory = tempfile::Builder::new()
            .prefix("bf-bench-")
            .tempdir_in(&parent)
            .with_context(|| format!("cannot write to {}", parent.display()))?;
        // Run by root, PostgreSQL runs as another user, who must be able to pass.
        fs::set_permissions(directory.path(), Permissions::from_mode(0o711))?;
        let (filesystem, available) = filesystem(directory.path())?;
        ensure!(
            available >= room,
            "{} has {} MiB, and {} may be needed: name another place by --data-dir, or measure for less long",
            parent.display(),
            available / MIB,
            room / MIB
        );
        let kind = if filesystem == "tmpfs" {
            "its data in memory-backed storage".to_owned()
        } else {
            format!(
                "its data ON A DISK ({filesystem}): rates then tell more about the disk than about the service"
            )
        };
        Ok(Self { directory, kind })
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Removes everything.
    pub(crate) fn remove(self) -> io::Result<()> {
        self.directory.close()
    }
}

fn in_memory(room: u64) -> Option<PathBuf> {
    let (filesystem, available) = filesystem(Path::new(IN_MEMORY)).ok()?;
    let is_writable = tempfile::tempdir_in(IN_MEMORY).is_ok();
    (filesystem == "tmpfs" && available >= room && is_writable).then(|| IN_MEMORY.into())
}

/// Its type, and the bytes that are left.
fn filesystem(directory: &Path) -> anyhow::Result<(String, u64)> {
    let answer = Command::new("df")
        .args(["--block-size=1", "--output=fstype,avail"])
        .arg(directory)
        .output()
        .context("df does not run")?;
    let said = String::from_utf8_lossy(&answer.stdout);
    let mut fields = said.lines().nth(1).unwrap_or_default().split_whitespace();
    let (kind, available) = fields
        .next()
        .zip(fields.next())
        .context("df says nothing about the data directory")?;
    Ok((kind.to_owned(), available.parse()?))
}
