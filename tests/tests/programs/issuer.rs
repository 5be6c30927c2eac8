//! Real issuers of tokens, where `.ci/install-issuers` has put them.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::running::Running;

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
        let port = running.wait_for_line(words);
        Self {
            running,
            url: format!("http://127.0.0.1:{port}"),
        }
    }

    pub fn port(&self) -> &str {
        self.url.rsplit(':').next().unwrap_or_default()
    }

    pub fn stop(mut self) {
        self.running.kill_9();
    }
}

/// Returns the folder of an issuer. A story that needs one is `#[ignore]`d, so that a plain `cargo test`
/// counts it as ignored and says why; `.ci/run` installs the issuers and runs the ignored stories.
pub fn installed(name: &str) -> PathBuf {
    let place = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../target/issuers")).join(name);
    assert!(
        place.exists(),
        "the issuer {name} is not installed: run .ci/install-issuers"
    );
    place
}
