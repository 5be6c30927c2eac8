//! The data directory: made by `initdb`, wiped or kept.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use crate::account::Account;
use crate::binaries::Binaries;
use crate::directory;
use crate::layout::Layout;
use crate::settings::Durability;
use crate::start_error::StartError;

/// Leaves a complete data directory, with nothing of a former server in it, and no old socket. To be called by the
/// holder of the server's lock; `initdb` gets it too, lest a second one is started beside one that outlived us.
pub(crate) fn prepare(
    layout: &Layout,
    binaries: &Binaries,
    account: &Account,
    durability: Durability,
    server_lock: &File,
) -> Result<(), StartError> {
    let data = layout.data();
    settle_whose_data(layout, durability)?;
    if fs::symlink_metadata(&data).is_err() {
        initialise(layout, binaries, account, durability, server_lock)?;
        fs::rename(layout.unfinished_data(), &data)
            .map_err(StartError::io("move to its place", &data))?;
    }
    directory::ensure_servers(&data, account)?;

    // PostgreSQL takes the process numbers in these for a living server's when another process has them by now.
    let stale = [
        data.join("postmaster.pid"),
        layout.socket_lock(),
        layout.socket(),
    ];
    for file in stale {
        absent(&file, fs::remove_file(&file))?;
    }
    let mark = layout.stopping_mark();
    absent(&mark, fs::remove_dir(&mark))
}

/// Wipes throwaway data, whoever starts next; and never data that was made to be kept.
fn settle_whose_data(layout: &Layout, durability: Durability) -> Result<(), StartError> {
    let data = layout.data();
    let mark = layout.throwaway_mark();
    if fs::symlink_metadata(&mark).is_ok() {
        absent(&data, fs::remove_dir_all(&data))?;
        absent(&mark, fs::remove_file(&mark))?;
    }
    if durability == Durability::Durable {
        return Ok(());
    }
    if fs::symlink_metadata(&data).is_ok() {
        let reason = "its data is to be kept, and a throwaway server would wipe it".to_owned();
        return Err(StartError::directory(&data, reason));
    }
    File::create(&mark).map_err(StartError::io("create", &mark))?;
    Ok(())
}

fn initialise(
    layout: &Layout,
    binaries: &Binaries,
    account: &Account,
    durability: Durability,
    server_lock: &File,
) -> Result<(), StartError> {
    let data = layout.unfinished_data();
    absent(&data, fs::remove_dir_all(&data))?;
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

fn absent(path: &Path, removed: io::Result<()>) -> Result<(), StartError> {
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(StartError::io("remove", path)(error))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}
