//! Directories and names that are not used.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::path::PathBuf;

use pgdev::{PrivateServer, StartError};

use crate::place::{Place, is_root};

/// The directory that the server made for itself.
fn instance(place: &Place) -> PathBuf {
    let server = place.start();
    server.stop().expect("it stops");
    let data = server.data_directory();
    data.parent().expect("it is not the root").to_owned()
}

fn refusal(place: &Place) -> String {
    let refusal = PrivateServer::start(&place.settings).expect_err("not there");
    assert!(matches!(refusal, StartError::Directory { .. }), "{refusal}");
    refusal.to_string()
}

#[test]
fn a_directory_that_others_may_have_prepared_is_refused() {
    let place = Place::durable("prepared");
    let instance = instance(&place);
    let (data, run) = (instance.join("data"), instance.join("run"));

    for directory in [&data, &run, &instance] {
        let moved = directory.with_extension("moved");
        fs::rename(directory, &moved).expect("it is ours");
        symlink(&moved, directory).expect("a new link");
        assert!(refusal(&place).contains("symbolic link"));
        fs::remove_file(directory).expect("the link is ours");
        fs::rename(&moved, directory).expect("it is ours");
    }

    // Only root can give a directory away, and has another user's to look at.
    if is_root() {
        for directory in [&data, &run, &instance, &place.directory] {
            let owner = fs::metadata(directory).expect("it is there").uid();
            chown(directory, Some(4321), None).expect("we are root");
            assert!(refusal(&place).contains("belongs to user 4321"));
            chown(directory, Some(owner), None).expect("we are root");
        }
        for directory in [&data, &run] {
            fs::set_permissions(directory, Permissions::from_mode(0o755)).expect("we are root");
            assert!(refusal(&place).contains("open to others"));
            fs::set_permissions(directory, Permissions::from_mode(0o700)).expect("we are root");
        }
    }

    fs::set_permissions(&instance, Permissions::from_mode(0o777)).expect("it is ours");
    place.start();
    let mode = fs::metadata(&instance).expect("it is there").mode();
    assert_eq!(mode & 0o067, 0, "ours is closed: {mode:o}");
}

#[test]
fn a_name_that_leads_elsewhere_is_refused() {
    let mut place = Place::durable("named");
    "../other".clone_into(&mut place.settings.name);
    let refusal = PrivateServer::start(&place.settings).expect_err("no such name");
    assert!(matches!(refusal, StartError::Name(_)), "{refusal}");
}
