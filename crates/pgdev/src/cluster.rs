//! The data directory: created by `initdb`, then wiped or kept.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use crate::account::Account;
use crate::binaries::Binaries;
use crate::directory;
use crate::layout::Layout;
use crate::settings::Durability;
use crate::start_error::StartError;

/// Prepares a complete data directory, without the pid file and the socket of a former server. The caller holds the
/// server's lock; `initdb` inherits it, so that no other `initdb` starts beside one that outlives this process.
pub(crate) fn prepare(
    layout: &Layout,
    binaries: &Binaries,
    account: &Account,
    durability: Durability,
    server_lock: &File,
) -> Result<(), StartError> {
    let data = layout.data();
    wipe_throwaway_data(layout, durability)?;
    if fs::symlink_metadata(&data).is_err() {
        initialise(layout, binaries, account, durability, server_lock)?;
        fs::rename(layout.unfinished_data(), &data)
            .map_err(StartError::io("move to its place", &data))?;
    }
    directory::ensure_servers(&data, account)?;

    // If another process has one of the numbers in these files by now, PostgreSQL takes it for a running server.
    let stale = [
        data.join("postmaster.pid"),
        layout.socket_lock(),
        layout.socket(),
    ];
    for file in stale {
        removed_or_absent(&file, fs::remove_file(&file))?;
    }
    let mark = layout.stopping_mark();
    removed_or_absent(&mark, fs::remove_dir(&mark))
}

/// Wipes throwaway data, also before a durable server is started, and refuses to wipe durable data.
fn wipe_throwaway_data(layout: &Layout, durability: Durability) -> Result<(), StartError> {
    let data = layout.data();
    let mark = layout.throwaway_mark();
    if fs::symlink_metadata(&mark).is_ok() {
        removed_or_absent(&data, fs::remove_dir_all(&data))?;
        removed_or_absent(&mark, fs::remove_file(&mark))?;
    }
    if durability == Durability::Durable {
        return Ok(());
    }
    if fs::symlink_metadata(&data).is_ok() {
        let reason = "its data is durable, and a throwaway server would wipe it".to_owned();
        return Err(StartError::directory(&data, reason));
    }
    File::create(&mark).map_err(StartError::io("create", &mark))?;
    Ok(())
}

/// Runs `initdb` in a directory that is not the final one.
fn initialise(
    layout: &Layout,
    binaries: &Binaries,
    account: &Account,
    durability: Durability,
    server_lock: &File,
) -> Result<(), StartError> {
    let data = layout.unfinished_data();
    removed_or_absent(&data, fs::remove_dir_all(&data))?;
    directory::ensure_servers(&data, account)?;
    let initdb = binaries.program("initdb");
    let lock = server_lock
        .try_clone()
        .map_err(StartError::io("share", &layout.server_lock()))?;
    let answer = account
        .command(&initdb)
        .args(["--username=postgres", "--auth=trust"])
        .args(["--encoding=UTF8", "--locale=C"])
        .args(durability.initdb_options())
        .arg("--pgdata")
        .arg(&data)
        .stdin(lock)
        .output()
        .map_err(StartError::io("run", &initdb))?;
    if answer.status.success() {
        return Ok(());
    }
    Err(StartError::Initdb {
        output: String::from_utf8_lossy(&answer.stderr).trim().to_owned(),
    })
}

/// Reports a failed removal, unless there was nothing to remove.
fn removed_or_absent(path: &Path, removed: io::Result<()>) -> Result<(), StartError> {
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(StartError::io("remove", path)(error))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}
