//! Creating directories that only their owner can use, and refusing directories that somebody else may have prepared.

use std::fs::{self, DirBuilder, Metadata, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _, lchown};
use std::path::Path;

use crate::account::{Account, Ids};
use crate::start_error::StartError;

const NO_DIRECTORY: &str = "it is a symbolic link, or no directory";

/// Ensures that the directory around a server's own exists. It is created if missing; an existing one is used as it is,
/// unless another user could replace what is in it.
pub(crate) fn ensure_parent(parent: &Path, account: &Account) -> Result<(), StartError> {
    let Ok(found) = fs::symlink_metadata(parent) else {
        if let Some(above) = parent.parent() {
            fs::create_dir_all(above).map_err(StartError::io("create", above))?;
        }
        return ensure_ours(parent, account);
    };
    let open_to_others = found.mode() & 0o022 != 0 && found.mode() & 0o1000 == 0;
    let reason = match found.uid() {
        _ if !found.is_dir() => NO_DIRECTORY.to_owned(),
        uid if uid != 0 && uid != account.ours.uid => format!("it belongs to user {uid}"),
        _ if open_to_others => "others may write to it, and it is not sticky as /tmp is".to_owned(),
        _ => return Ok(()),
    };
    Err(StartError::directory(parent, reason))
}

/// Ensures a directory that belongs to us, and through which the server's user may pass.
pub(crate) fn ensure_ours(directory: &Path, account: &Account) -> Result<(), StartError> {
    if account.drops_privileges() {
        let owner = Ids {
            uid: account.ours.uid,
            gid: account.server.gid,
        };
        ensure(directory, account.ours, owner, 0o710)
    } else {
        ensure(directory, account.ours, account.ours, 0o700)
    }
}

/// Ensures a directory that belongs to the server's user.
pub(crate) fn ensure_servers(directory: &Path, account: &Account) -> Result<(), StartError> {
    ensure(directory, account.ours, account.server, 0o700)
}

fn ensure(directory: &Path, ours: Ids, owner: Ids, mode: u32) -> Result<(), StartError> {
    match DirBuilder::new().mode(0o700).create(directory) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            return Err(StartError::io("create", directory)(error));
        }
        Ok(()) | Err(_) => {}
    }
    let found = fs::symlink_metadata(directory).map_err(StartError::io("look at", directory))?;
    if !found.is_dir() {
        return Err(StartError::directory(directory, NO_DIRECTORY.to_owned()));
    }
    let reason = match found.uid() {
        // It is new, or was left by a start that was killed before it handed the directory over.
        uid if uid == ours.uid => return hand_over(directory, &found, owner, mode),
        uid if uid != owner.uid => format!("it belongs to user {uid}, not {}", owner.uid),
        // Not tightened here: its owner could replace it by a link while root changes its mode.
        _ if found.mode() & 0o077 != 0 => "it is open to others".to_owned(),
        _ => return Ok(()),
    };
    Err(StartError::directory(directory, reason))
}

fn hand_over(directory: &Path, found: &Metadata, owner: Ids, mode: u32) -> Result<(), StartError> {
    if found.mode() & 0o7777 != mode {
        fs::set_permissions(directory, Permissions::from_mode(mode))
            .map_err(StartError::io("change the mode of", directory))?;
    }
    if (found.uid(), found.gid()) != (owner.uid, owner.gid) {
        lchown(directory, Some(owner.uid), Some(owner.gid))
            .map_err(StartError::io("change the owner of", directory))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;
    use std::path::PathBuf;

    fn scratch(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("pgdev-{}-{name}", std::process::id()));
        fs::create_dir(&path).expect("a new directory");
        path
    }

    fn ids_of(path: &Path) -> Ids {
        let found = fs::metadata(path).expect("it is there");
        Ids {
            uid: found.uid(),
            gid: found.gid(),
        }
    }

    #[test]
    fn a_loose_directory_of_ours_is_tightened() {
        let path = scratch("loose");
        let ours = ids_of(&path);
        ensure(&path, ours, ours, 0o700).expect("it is ours");
        let mode = fs::metadata(&path).expect("it is there").mode();
        assert_eq!(mode & 0o7777, 0o700);
        fs::remove_dir(&path).expect("it is empty");
    }

    #[test]
    fn a_directory_of_somebody_elses_is_refused() {
        let path = scratch("foreign");
        let owner = ids_of(&path);
        let other = Ids {
            uid: owner.uid + 1,
            gid: owner.gid,
        };
        let refusal = ensure(&path, other, other, 0o700).expect_err("it is another user's");
        assert!(refusal.to_string().contains("belongs to user"), "{refusal}");
        fs::remove_dir(&path).expect("it is empty");
    }

    #[test]
    fn a_link_and_a_parent_open_to_all_are_refused() {
        let path = scratch("link");
        let ours = ids_of(&path);
        let link = path.join("link");
        symlink(&path, &link).expect("a new link");
        let refusal = ensure(&link, ours, ours, 0o700).expect_err("it is a link");
        assert!(refusal.to_string().contains("symbolic link"), "{refusal}");

        let account = Account { ours, server: ours };
        fs::set_permissions(&path, Permissions::from_mode(0o777)).expect("it is ours");
        let refusal = ensure_parent(&path, &account).expect_err("anybody can write");
        assert!(refusal.to_string().contains("sticky"), "{refusal}");
        fs::remove_dir_all(&path).expect("it is ours");
    }
}
