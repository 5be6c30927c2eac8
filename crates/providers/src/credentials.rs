//! Credentials, found at use: a rotated secret counts from the next poll on.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use domain::fleet::{CredentialRef, CredentialSource};
use domain::polling::{ErrorClass, PollError};
use secrecy::SecretString;

/// Much more than any credential; a file that is longer is something else.
const LONGEST: u64 = 16 * 1024;

/// Where credential references lead.
#[derive(Clone, Debug, Default)]
pub struct Credentials {
    /// The folder of `file:` references; none means that there are none.
    pub folder: Option<PathBuf>,
}

/// Why a reference leads to no credential. Nothing here tells what it leads to instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
enum Unresolved {
    #[error("leads nowhere")]
    Nowhere,
    #[error("has no folder to be in: PROVIDER_CREDENTIALS_DIR is not set")]
    NoFolder,
    #[error("leads out of the credentials folder")]
    OutOfFolder,
    #[error("leads to what is no file")]
    NoFile,
    #[error("leads to more than {LONGEST} bytes")]
    TooLong,
    #[error("leads to what is not one line of text")]
    NoText,
}

impl Credentials {
    /// Finds a credential: the variable's or the file's text, without the line end that editors leave.
    ///
    /// # Errors
    /// [`ErrorClass::CredentialsUnresolved`], naming the reference and never what it leads to.
    pub fn resolve(&self, reference: &CredentialRef) -> Result<SecretString, PollError> {
        let found = match reference.source() {
            Some(CredentialSource::Env(name)) => variable(name),
            Some(CredentialSource::File(path)) => self
                .folder
                .as_deref()
                .ok_or(Unresolved::NoFolder)
                .and_then(|folder| file_below(folder, path)),
            None => Err(Unresolved::Nowhere),
        };
        found
            .and_then(|text| one_line(&text))
            .map_err(|why| PollError {
                class: ErrorClass::CredentialsUnresolved,
                detail: format!("the credential reference {} {why}", reference.as_str()),
            })
    }
}

fn variable(name: &str) -> Result<String, Unresolved> {
    let value = std::env::var_os(name).ok_or(Unresolved::Nowhere)?;
    if value.len() as u64 > LONGEST {
        return Err(Unresolved::TooLong);
    }
    value.into_string().map_err(|_| Unresolved::NoText)
}

/// Reads a file of the folder. Links may lead about within it, as those of mounted secrets do, and not
/// out of it.
fn file_below(folder: &Path, path: &str) -> Result<String, Unresolved> {
    let folder = folder.canonicalize().map_err(|_| Unresolved::Nowhere)?;
    let place = folder.join(path).canonicalize();
    let place = place.map_err(|_| Unresolved::Nowhere)?;
    if !place.starts_with(&folder) {
        return Err(Unresolved::OutOfFolder);
    }
    // Looked at before it is opened: opening a pipe waits for whoever writes to it.
    if !place.is_file() {
        return Err(Unresolved::NoFile);
    }
    let file = File::open(place).map_err(|_| Unresolved::Nowhere)?;
    let mut bytes = Vec::new();
    file.take(LONGEST + 1)
        .read_to_end(&mut bytes)
        .map_err(|_| Unresolved::Nowhere)?;
    if bytes.len() as u64 > LONGEST {
        return Err(Unresolved::TooLong);
    }
    String::from_utf8(bytes).map_err(|_| Unresolved::NoText)
}

fn one_line(text: &str) -> Result<SecretString, Unresolved> {
    let line = text.trim_end_matches(['\r', '\n']);
    if line.is_empty() {
        Err(Unresolved::Nowhere)
    } else if line.contains(char::is_control) {
        Err(Unresolved::NoText)
    } else {
        Ok(line.into())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use secrecy::ExposeSecret;
    use tempfile::TempDir;

    use super::*;

    const SECRET: &str = "s3cret of north";

    /// A folder as a deployment has it, with the traps that one could have; beside it a secret that is
    /// none of the providers'.
    fn place() -> (TempDir, Credentials) {
        let place = tempfile::tempdir().expect("a directory");
        let folder = place.path().join("providers");
        fs::create_dir_all(folder.join("..data/geotab")).expect("a directory");
        let write = |name: &str, text: &[u8]| fs::write(folder.join(name), text).expect("a file");
        fs::write(place.path().join("outside"), "s3cret of the database").expect("a file");
        fs::create_dir(place.path().join("providers-old")).expect("a directory");
        fs::write(place.path().join("providers-old/north"), SECRET).expect("a file");
        write("plain", SECRET.as_bytes());
        write("unix", format!("{SECRET}\n").as_bytes());
        write("dos", format!("{SECRET}\r\n").as_bytes());
        write("spaces", b" s3cret ");
        write("..data/geotab/north", SECRET.as_bytes());
        write("empty", b"");
        write("blank", b"\n\n");
        write("two-lines", b"a\nb\n");
        write("binary", b"\xff\xfe");
        write("nul", b"a\0b");
        write("longest", "x".repeat(16 * 1024).as_bytes());
        write("too-long", "x".repeat(16 * 1024 + 1).as_bytes());
        let link = |to: &str, name: &str| symlink(to, folder.join(name)).expect("a link");
        link("..data/geotab", "geotab");
        link("../outside", "up");
        link("..", "above");
        link("/etc/hostname", "absolute");
        link("/dev/zero", "endless");
        link("nowhere", "dangling");
        link("circle", "circle");
        let made = std::process::Command::new("mkfifo")
            .arg(folder.join("pipe"))
            .status();
        assert!(made.expect("mkfifo").success());
        let credentials = Credentials {
            folder: Some(folder),
        };
        (place, credentials)
    }

    fn resolved(credentials: &Credentials, reference: &str) -> Result<String, PollError> {
        let reference = CredentialRef::try_new(reference).expect("a reference");
        credentials
            .resolve(&reference)
            .map(|secret| secret.expose_secret().to_owned())
    }

    #[test]
    fn a_file_of_the_folder_is_read_without_its_line_end() {
        let (_place, credentials) = place();
        for (reference, secret) in [
            ("file:plain", SECRET),
            ("file:unix", SECRET),
            ("file:dos", SECRET),
            ("file:spaces", " s3cret "),
            ("file:..data/geotab/north", SECRET),
            ("file:geotab/north", SECRET),
            ("file:longest", &"x".repeat(16 * 1024)),
        ] {
            assert_eq!(
                resolved(&credentials, reference).as_deref(),
                Ok(secret),
                "{reference}"
            );
        }
    }

    #[test]
    fn what_is_no_file_of_the_folder_is_not_read() {
        let (_place, credentials) = place();
        for (reference, why) in [
            ("file:nowhere", Unresolved::Nowhere),
            ("file:plain/nowhere", Unresolved::Nowhere),
            ("file:dangling", Unresolved::Nowhere),
            ("file:circle", Unresolved::Nowhere),
            ("file:empty", Unresolved::Nowhere),
            ("file:blank", Unresolved::Nowhere),
            ("file:up", Unresolved::OutOfFolder),
            ("file:above", Unresolved::OutOfFolder),
            ("file:above/outside", Unresolved::OutOfFolder),
            ("file:above/providers-old/north", Unresolved::OutOfFolder),
            ("file:absolute", Unresolved::OutOfFolder),
            ("file:endless", Unresolved::OutOfFolder),
            ("file:geotab", Unresolved::NoFile),
            ("file:pipe", Unresolved::NoFile),
            ("file:too-long", Unresolved::TooLong),
            ("file:two-lines", Unresolved::NoText),
            ("file:binary", Unresolved::NoText),
            ("file:nul", Unresolved::NoText),
            ("env:PROVIDER_OF_NO_TEST", Unresolved::Nowhere),
        ] {
            let error = resolved(&credentials, reference).expect_err(reference);
            assert_eq!(error.class, ErrorClass::CredentialsUnresolved);
            assert_eq!(
                error.detail,
                format!("the credential reference {reference} {why}")
            );
        }
        let without = resolved(&Credentials::default(), "file:plain").expect_err("no folder");
        assert!(without.detail.contains("PROVIDER_CREDENTIALS_DIR"));
    }
}
