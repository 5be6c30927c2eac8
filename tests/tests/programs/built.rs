//! The programs, built once. A test gets no path of another package's programs from cargo.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use cargo_metadata::Message;

/// Returns the executable of this name, as the profile of these tests builds it. A build that fails is not
/// tried again: each story then fails at once, with what cargo said.
pub fn program(name: &str) -> PathBuf {
    static BUILT: OnceLock<Result<Vec<PathBuf>, String>> = OnceLock::new();
    let built = BUILT.get_or_init(build);
    let found = built
        .as_ref()
        .unwrap_or_else(|said| panic!("the programs cannot be built:\n{said}"))
        .iter()
        .find(|path| path.file_stem().is_some_and(|stem| stem == name));
    found
        .cloned()
        .unwrap_or_else(|| panic!("{name} was not built"))
}

fn build() -> Result<Vec<PathBuf>, String> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .args([
            "build",
            "--message-format=json",
            "-p",
            "bf-manage-core",
            "-p",
            "bf-depot-sim",
        ])
        .args([
            "--manifest-path",
            concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml"),
        ])
        .stdin(Stdio::null())
        .stderr(Stdio::piped());
    if !cfg!(debug_assertions) {
        cargo.arg("--release");
    }
    let output = cargo.output().expect("cargo");
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let executables = Message::parse_stream(output.stdout.as_slice()).filter_map(|message| {
        match message.expect("a message of cargo's") {
            Message::CompilerArtifact(artifact) => artifact.executable.map(PathBuf::from),
            _ => None,
        }
    });
    Ok(executables.collect())
}
