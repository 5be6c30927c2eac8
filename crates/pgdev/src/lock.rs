//! Lock files. A child process that inherits the open file holds the lock too. The system releases the lock when the
//! last of these processes has closed the file or ended.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

const BETWEEN_TRIES: Duration = Duration::from_millis(20);

/// Takes the lock, which is held for as long as the file is open; `None` if another process holds it.
pub(crate) fn try_take(path: &Path) -> io::Result<Option<File>> {
    let file = open(path)?;
    is_taken(file.try_lock()).map(|taken| taken.then_some(file))
}

/// Takes the lock, waiting for it at most for `patience`; `None` if it was not released in time.
pub(crate) fn take_within(path: &Path, patience: Duration) -> io::Result<Option<File>> {
    let since = Instant::now();
    loop {
        match try_take(path)? {
            None if since.elapsed() < patience => thread::sleep(BETWEEN_TRIES),
            settled => return Ok(settled),
        }
    }
}

/// Whether some process holds the lock. A shared lock is tried, so that two processes which ask at the same time do not
/// take each other for its holder.
pub(crate) fn is_held(path: &Path) -> io::Result<bool> {
    is_taken(open(path)?.try_lock_shared()).map(|taken| !taken)
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)
}

/// Whether the lock was taken.
fn is_taken(tried: Result<(), TryLockError>) -> io::Result<bool> {
    match tried {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}
