//! Finding an installed Postgres.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const PROGRAMS: [&str; 5] = ["initdb", "pg_ctl", "pg_isready", "postgres", "psql"];

/// The first release that knows `client_connection_check_interval`.
const OLDEST_MAJOR: u32 = 14;

/// Directories with one subdirectory per installed release, and the beginning of the subdirectory's name before the
/// number of the release. They are needed because Debian keeps the server's programs out of the PATH.
const INSTALLATIONS: [(&str, &str); 4] = [
    ("/usr/lib/postgresql", ""),
    ("/opt/homebrew/opt", "postgresql@"),
    ("/usr/local/opt", "postgresql@"),
    ("/home/linuxbrew/.linuxbrew/opt", "postgresql@"),
];

/// The error that no directory has all programs of a recent Postgres; its message says what to install.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "no PostgreSQL {OLDEST_MAJOR} or later found (looked for {} in {}). Install it, on Debian and Ubuntu with \
     `apt-get install postgresql-15`, on macOS with `brew install postgresql@15`, or set PG_BIN_DIR to the directory of \
     its programs. To use a server of your own instead, set DATABASE_URL",
    PROGRAMS.join(", "),
    listed(searched)
)]
pub struct NoBinaries {
    /// The directories that were looked at, in order.
    pub searched: Vec<PathBuf>,
}

/// A directory with all needed programs of Postgres, and their release.
#[derive(Debug, Clone)]
pub(crate) struct Binaries {
    directory: PathBuf,
    pub(crate) major: u32,
}

impl Binaries {
    /// Finds the programs: in `PG_BIN_DIR` alone if it is set, else in the newest installation, else in the PATH.
    #[expect(
        clippy::disallowed_methods,
        reason = "the machine's own PostgreSQL is found by its environment"
    )]
    pub(crate) fn find() -> Result<Self, NoBinaries> {
        match env::var_os("PG_BIN_DIR").filter(|directory| !directory.is_empty()) {
            Some(directory) => Self::first_usable(vec![PathBuf::from(directory)]),
            None => Self::first_usable(usual_directories(env::var_os("PATH").as_deref())),
        }
    }

    fn first_usable(directories: Vec<PathBuf>) -> Result<Self, NoBinaries> {
        directories
            .iter()
            .find_map(|directory| Self::in_directory(directory))
            .ok_or(NoBinaries {
                searched: directories,
            })
    }

    fn in_directory(directory: &Path) -> Option<Self> {
        let directory = std::path::absolute(directory).ok()?;
        if !PROGRAMS
            .iter()
            .all(|program| directory.join(program).is_file())
        {
            return None;
        }
        let answer = Command::new(directory.join("postgres"))
            .arg("--version")
            .output()
            .ok()?;
        let major = major_of(&String::from_utf8_lossy(&answer.stdout))?;
        (major >= OLDEST_MAJOR).then_some(Self { directory, major })
    }

    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }
}

fn usual_directories(path: Option<&OsStr>) -> Vec<PathBuf> {
    let installed = INSTALLATIONS
        .iter()
        .flat_map(|(root, prefix)| newest_first(Path::new(root), prefix));
    let on_path = path.into_iter().flat_map(env::split_paths);
    installed
        .chain(on_path.filter(|directory| directory.is_absolute()))
        .collect()
}

fn newest_first(root: &Path, prefix: &str) -> Vec<PathBuf> {
    let mut releases: Vec<(u32, PathBuf)> = fs::read_dir(root)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name();
            let major = name.to_str()?.strip_prefix(prefix)?.parse().ok()?;
            Some((major, entry.path().join("bin")))
        })
        .collect();
    releases.sort_by_key(|(major, _)| std::cmp::Reverse(*major));
    releases
        .into_iter()
        .map(|(_, directory)| directory)
        .collect()
}

/// Parses the major release of `postgres (PostgreSQL) 15.13 (Debian 15.13-0+deb12u1)` or of `… 18beta1`.
fn major_of(version: &str) -> Option<u32> {
    let release = version.split_once("(PostgreSQL) ")?.1;
    let end = release
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(release.len());
    release[..end].parse().ok()
}

fn listed(directories: &[PathBuf]) -> String {
    if directories.is_empty() {
        return "no directory at all".to_owned();
    }
    let names: Vec<_> = directories
        .iter()
        .map(|directory| directory.display().to_string())
        .collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_programs_the_message_says_what_to_do() {
        let error = Binaries::first_usable(vec!["/nonexistent/bin".into(), "/".into()])
            .expect_err("no programs there");
        let message = error.to_string();
        for part in [
            "/nonexistent/bin, /.",
            "apt-get install postgresql-15",
            "PG_BIN_DIR",
            "DATABASE_URL",
        ] {
            assert!(
                message.replace(')', ".").contains(part),
                "{part:?} in {message}"
            );
        }
    }

    #[test]
    fn an_incomplete_directory_is_passed_over() {
        let found =
            Binaries::find().expect("the tests need an installed PostgreSQL: postgresql-15");
        let directory = found.directory().to_owned();
        let again = Binaries::first_usable(vec!["/nonexistent".into(), directory.clone()])
            .expect("the second one is complete");
        assert_eq!(again.directory(), directory);
        assert_eq!(again.major, found.major);
    }

    #[test]
    fn the_release_is_read_from_the_version() {
        assert_eq!(
            major_of("postgres (PostgreSQL) 15.13 (Debian 15.13-0+deb12u1)\n"),
            Some(15)
        );
        assert_eq!(major_of("postgres (PostgreSQL) 18beta1"), Some(18));
        assert_eq!(major_of("postgres: not found"), None);
    }
}
