//! Lock files. Whoever inherits an open one holds the lock too, and the system lets go of it with the last of them.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

const BETWEEN_TRIES: Duration = Duration::from_millis(20);

/// The lock, held for as long as the file is open; `None` while somebody else holds it.
pub(crate) fn try_take(path: &Path) -> io::Result<Option<File>> {
    let file = open(path)?;
    taken(file.try_lock()).map(|taken| taken.then_some(file))
}

/// Waits for the lock for at most that long.
pub(crate) fn take_within(path: &Path, patience: Duration) -> io::Result<Option<File>> {
    let since = Instant::now();
    loop {
        match try_take(path)? {
            None if since.elapsed() < patience => thread::sleep(BETWEEN_TRIES),
            settled => return Ok(settled),
        }
    }
}

/// Whether somebody holds the lock. Asks for a shared one, lest two who ask at once take each other for its holder.
pub(crate) fn is_held(path: &Path) -> io::Result<bool> {
    taken(open(path)?.try_lock_shared()).map(|taken| !taken)
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)
}

fn taken(tried: Result<(), TryLockError>) -> io::Result<bool> {
    match tried {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}
