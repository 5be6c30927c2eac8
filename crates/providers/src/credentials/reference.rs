//! References to credentials, resolved at use: a rotated secret counts from the next poll on.

use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use domain::fleet::{CredentialRef, CredentialSource};
use domain::polling::{ErrorClass, PollError};

use super::credential::{Credential, CredentialKind, InvalidCredential};

/// Much more than any credential; a file that is longer is something else.
const MAX_BYTES: u64 = 16 * 1024;

/// The places to which credential references lead.
#[derive(Clone, Debug, Default)]
pub struct Credentials {
    /// The folder of `file:` references; `None` means that there are none.
    pub folder: Option<PathBuf>,
    /// The variables of `env:` references.
    pub environment: Environment,
}

/// Looks up an environment variable by its name.
type Lookup = dyn Fn(&str) -> Option<OsString> + Send + Sync;

/// The environment variables that a program was started with, or those that a test gives in their place.
#[derive(Clone)]
pub struct Environment(Arc<Lookup>);

impl Environment {
    /// An environment whose variables `variable` looks up by their names.
    pub fn new(variable: impl Fn(&str) -> Option<OsString> + Send + Sync + 'static) -> Self {
        Self(Arc::new(variable))
    }
}

impl Default for Environment {
    /// An environment without variables.
    fn default() -> Self {
        Self::new(|_| None)
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Environment")
    }
}

/// Why a reference leads to no credential. It never quotes what the reference leads to instead.
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
    #[error("leads to more than {MAX_BYTES} bytes")]
    TooLong,
    #[error("leads to what is not text")]
    NotText,
    #[error(transparent)]
    Invalid(#[from] InvalidCredential),
}

impl Credentials {
    /// Reads the credential that a reference leads to.
    ///
    /// # Errors
    /// [`ErrorClass::CredentialsUnresolved`], naming the reference and never what it leads to: nothing, or
    /// something that is not a credential of the kind that is needed.
    pub fn resolve(
        &self,
        reference: &CredentialRef,
        needed: CredentialKind,
    ) -> Result<Credential, PollError> {
        self.read(reference)
            .and_then(|text| Ok(Credential::parse(&text, needed)?))
            .map_err(|why| PollError {
                class: ErrorClass::CredentialsUnresolved,
                detail: format!("the credential reference {} {why}", reference.as_str()),
            })
    }

    fn read(&self, reference: &CredentialRef) -> Result<String, Unresolved> {
        match reference.source() {
            Some(CredentialSource::Env(name)) => self.read_variable(name),
            Some(CredentialSource::File(path)) => {
                let folder = self.folder.as_deref().ok_or(Unresolved::NoFolder)?;
                read_file_below(folder, path)
            }
            None => Err(Unresolved::Nowhere),
        }
    }

    fn read_variable(&self, name: &str) -> Result<String, Unresolved> {
        let value = (self.environment.0)(name).ok_or(Unresolved::Nowhere)?;
        if value.len() as u64 > MAX_BYTES {
            return Err(Unresolved::TooLong);
        }
        value.into_string().map_err(|_| Unresolved::NotText)
    }
}

/// Reads a file of the folder. Links may lead about within the folder, as those of mounted secrets do, and not
/// out of it.
fn read_file_below(folder: &Path, path: &str) -> Result<String, Unresolved> {
    let folder = folder.canonicalize().map_err(|_| Unresolved::Nowhere)?;
    let file = folder.join(path).canonicalize();
    let file = file.map_err(|_| Unresolved::Nowhere)?;
    if !file.starts_with(&folder) {
        return Err(Unresolved::OutOfFolder);
    }
    // Checked before the file is opened: opening a pipe waits for its writer.
    if !file.is_file() {
        return Err(Unresolved::NoFile);
    }
    let file = File::open(file).map_err(|_| Unresolved::Nowhere)?;
    let mut bytes = Vec::new();
    file.take(MAX_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(|_| Unresolved::Nowhere)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(Unresolved::TooLong);
    }
    String::from_utf8(bytes).map_err(|_| Unresolved::NotText)
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::fs;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::symlink;

    use secrecy::ExposeSecret;
    use tempfile::TempDir;

    use super::*;

    const SECRET: &str = "s3cret of north";

    /// A folder as a deployment has it, with the traps that one could have; beside it a secret that is
    /// none of the providers'.
    fn folder_with_traps() -> (TempDir, Credentials) {
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
        let environment = Environment::new(|name| match name {
            "PROVIDER_NORTH" => Some(SECRET.into()),
            "PROVIDER_TOO_LONG" => Some("x".repeat(16 * 1024 + 1).into()),
            "PROVIDER_BINARY" => Some(OsStr::from_bytes(b"\xff\xfe").into()),
            _ => None,
        });
        let credentials = Credentials {
            folder: Some(folder),
            environment,
        };
        (place, credentials)
    }

    fn resolved(credentials: &Credentials, reference: &str) -> Result<String, PollError> {
        let reference = CredentialRef::try_new(reference).expect("a reference");
        let credential = credentials.resolve(&reference, CredentialKind::Key)?;
        Ok(credential.key()?.expose_secret().to_owned())
    }

    #[test]
    fn a_variable_or_a_file_of_the_folder_is_read_without_its_line_end() {
        let (_folder, credentials) = folder_with_traps();
        for (reference, secret) in [
            ("env:PROVIDER_NORTH", SECRET),
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
    fn a_reference_that_leads_to_no_credential_is_refused() {
        let (_folder, credentials) = folder_with_traps();
        for (reference, why) in [
            ("file:nowhere", Unresolved::Nowhere),
            ("file:plain/nowhere", Unresolved::Nowhere),
            ("file:dangling", Unresolved::Nowhere),
            ("file:circle", Unresolved::Nowhere),
            ("file:empty", InvalidCredential::Empty.into()),
            ("file:blank", InvalidCredential::Empty.into()),
            ("file:up", Unresolved::OutOfFolder),
            ("file:above", Unresolved::OutOfFolder),
            ("file:above/outside", Unresolved::OutOfFolder),
            ("file:above/providers-old/north", Unresolved::OutOfFolder),
            ("file:absolute", Unresolved::OutOfFolder),
            ("file:endless", Unresolved::OutOfFolder),
            ("file:geotab", Unresolved::NoFile),
            ("file:pipe", Unresolved::NoFile),
            ("file:too-long", Unresolved::TooLong),
            ("file:two-lines", InvalidCredential::NotOneLine.into()),
            ("file:binary", Unresolved::NotText),
            ("file:nul", InvalidCredential::NotOneLine.into()),
            ("env:PROVIDER_OF_NO_TEST", Unresolved::Nowhere),
            ("env:PROVIDER_TOO_LONG", Unresolved::TooLong),
            ("env:PROVIDER_BINARY", Unresolved::NotText),
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
