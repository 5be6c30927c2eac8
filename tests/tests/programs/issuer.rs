//! Real issuers of tokens, where `.ci/install-issuers` has put them.

use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::running::Running;

const UNTIL_LISTENING: Duration = Duration::from_mins(1);

/// An issuer that runs on a port of its own, and ends with this process.
pub struct Issuer {
    running: Running,
    /// `http://127.0.0.1:…`.
    pub url: String,
}

impl Issuer {
    /// Starts it, and waits until it has said where it listens, after these words.
    pub fn start(command: &mut Command, words: &str) -> Self {
        let mut running = Running::tethered(command);
        let said = running.has_said(words, UNTIL_LISTENING);
        let port = said.iter().find_map(|line| line.rsplit_once(words));
        let port = port.map_or("", |(_, port)| port.trim());
        Self {
            running,
            url: format!("http://127.0.0.1:{port}"),
        }
    }

    pub fn port(&self) -> &str {
        self.url.rsplit(':').next().unwrap_or_default()
    }

    pub fn stop(mut self) {
        self.running.signal("KILL");
        self.running.ends_within(Duration::from_secs(10));
    }
}

/// Where an issuer of this name is installed. Where it is not, that is said, past the test runner, and
/// the story has nothing to tell; where it must be, by `ISSUERS_REQUIRED`, it fails.
pub fn installed(name: &str, has: &str) -> Option<PathBuf> {
    let place = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../target/issuers")).join(name);
    if place.join(has).exists() {
        return Some(place);
    }
    let required = std::env::var_os("ISSUERS_REQUIRED");
    assert!(
        required.as_deref().is_none_or(OsStr::is_empty),
        "the issuer {name} is not installed, and ISSUERS_REQUIRED is set"
    );
    let test = std::thread::current();
    let _ = writeln!(
        std::io::stderr(),
        "SKIPPED {}: the issuer {name} is not installed; .ci/install-issuers does it",
        test.name().unwrap_or_default()
    );
    None
}
