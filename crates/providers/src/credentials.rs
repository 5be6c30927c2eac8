//! Credentials, found at use: a rotated secret counts from the next poll on.

use std::path::PathBuf;

use domain::fleet::{CredentialRef, CredentialSource};
use domain::polling::{ErrorClass, PollError};
use secrecy::SecretString;

/// Where credential references lead.
#[derive(Clone, Debug, Default)]
pub struct Credentials {
    /// The folder of `file:` references; none means that there are none.
    pub folder: Option<PathBuf>,
}

impl Credentials {
    /// Finds a credential.
    ///
    /// # Errors
    /// [`ErrorClass::CredentialsUnresolved`], naming the reference and never what it leads to.
    pub fn resolve(&self, reference: &CredentialRef) -> Result<SecretString, PollError> {
        let found = match reference.source() {
            Some(CredentialSource::Env(name)) => {
                std::env::var_os(name).and_then(|value| value.into_string().ok())
            }
            Some(CredentialSource::File(path)) => self
                .folder
                .as_ref()
                .and_then(|folder| std::fs::read_to_string(folder.join(path)).ok()),
            None => None,
        };
        found
            .map(|secret| secret.trim().to_owned())
            .filter(|secret| !secret.is_empty())
            .map(SecretString::from)
            .ok_or_else(|| PollError {
                class: ErrorClass::CredentialsUnresolved,
                detail: format!(
                    "the credential reference {} leads nowhere",
                    reference.as_str()
                ),
            })
    }
}
