//! Kinds of credentials and the text that holds one.

use std::fmt;

use domain::polling::{ErrorClass, PollError};
use secrecy::SecretString;
use serde::Deserialize;

/// What a provider accepts as a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialKind {
    /// One key, sent with every request.
    Key,
    /// A user with a password, and at some providers the name of a database.
    Login,
    /// The client id and secret of OAuth2.
    Client,
}

impl fmt::Display for CredentialKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Key => "one key",
            Self::Login => "a user and password",
            Self::Client => "a client id and secret",
        })
    }
}

impl CredentialKind {
    /// Returns the form of the text that holds a credential of this kind.
    const fn form(self) -> &'static str {
        match self {
            Self::Key => r#"one line, or JSON {"key":…}"#,
            Self::Login => {
                r#"JSON {"user":…,"password":…}, with "database" where there are several"#
            }
            Self::Client => r#"JSON {"client_id":…,"client_secret":…}"#,
        }
    }
}

/// A credential as a provider's client uses it. Its secrets are kept out of `Debug`.
#[derive(Clone, Debug)]
pub enum Credential {
    /// One key.
    Key(SecretString),
    /// A user with a password.
    Login(Login),
    /// An OAuth2 client.
    Client(ClientCredential),
}

/// A user who logs in with a password.
#[derive(Clone, Debug)]
pub struct Login {
    /// The user's name.
    pub user: String,
    /// The user's password.
    pub password: SecretString,
    /// The database to log in to, where the provider has several.
    pub database: Option<String>,
}

/// An OAuth2 client.
#[derive(Clone, Debug)]
pub struct ClientCredential {
    /// The client's id.
    pub id: String,
    /// The client's secret.
    pub secret: SecretString,
}

/// Why a text holds no credential of the kind that is needed. It never quotes the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum InvalidCredential {
    #[error("leads to an empty text")]
    Empty,
    #[error("leads to what is not one line of text")]
    NotOneLine,
    #[error("leads to JSON that is no credential: the provider needs {0}, as {form}", form = .0.form())]
    UnknownForm(CredentialKind),
    #[error("leads to {held}: the provider needs {needed}, as {form}", form = .needed.form())]
    WrongKind {
        held: CredentialKind,
        needed: CredentialKind,
    },
}

/// The members that a credential in JSON may have.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Members {
    key: Option<SecretString>,
    user: Option<String>,
    password: Option<SecretString>,
    database: Option<String>,
    client_id: Option<String>,
    client_secret: Option<SecretString>,
}

impl Credential {
    /// Returns the kind of this credential.
    pub const fn kind(&self) -> CredentialKind {
        match self {
            Self::Key(_) => CredentialKind::Key,
            Self::Login(_) => CredentialKind::Login,
            Self::Client(_) => CredentialKind::Client,
        }
    }

    /// Returns the key.
    ///
    /// # Errors
    /// When the provider has declared another kind of credential.
    pub fn key(&self) -> Result<&SecretString, PollError> {
        match self {
            Self::Key(key) => Ok(key),
            _ => Err(self.undeclared(CredentialKind::Key)),
        }
    }

    /// Returns the user and password.
    ///
    /// # Errors
    /// When the provider has declared another kind of credential.
    pub fn login(&self) -> Result<&Login, PollError> {
        match self {
            Self::Login(login) => Ok(login),
            _ => Err(self.undeclared(CredentialKind::Login)),
        }
    }

    /// Returns the client id and secret.
    ///
    /// # Errors
    /// When the provider has declared another kind of credential.
    pub fn client(&self) -> Result<&ClientCredential, PollError> {
        match self {
            Self::Client(client) => Ok(client),
            _ => Err(self.undeclared(CredentialKind::Client)),
        }
    }

    fn undeclared(&self, used: CredentialKind) -> PollError {
        PollError {
            class: ErrorClass::CredentialsUnresolved,
            detail: format!(
                "the provider uses {used}, and has declared that it needs {}",
                self.kind()
            ),
        }
    }

    /// Parses a text as a credential of the kind that is needed: a JSON object, or one line that is a key.
    pub(super) fn parse(text: &str, needed: CredentialKind) -> Result<Self, InvalidCredential> {
        let text = text.trim_end_matches(['\r', '\n']);
        let credential = if text.starts_with('{') {
            Self::parse_json(text).ok_or(InvalidCredential::UnknownForm(needed))?
        } else if text.is_empty() {
            return Err(InvalidCredential::Empty);
        } else if !is_one_line(text) {
            return Err(InvalidCredential::NotOneLine);
        } else {
            Self::Key(text.into())
        };
        let held = credential.kind();
        if held == needed {
            Ok(credential)
        } else {
            Err(InvalidCredential::WrongKind { held, needed })
        }
    }

    /// Parses a JSON object with exactly the members of one kind, each a line of text.
    fn parse_json(text: &str) -> Option<Self> {
        let members = serde_json::from_str(text).ok()?;
        let one_line = |text: String| is_one_line(&text).then_some(text);
        let secret_line = |secret: SecretString| {
            is_one_line(secrecy::ExposeSecret::expose_secret(&secret)).then_some(secret)
        };
        match members {
            Members {
                key: Some(key),
                user: None,
                password: None,
                database: None,
                client_id: None,
                client_secret: None,
            } => Some(Self::Key(secret_line(key)?)),
            Members {
                key: None,
                user: Some(user),
                password: Some(password),
                database,
                client_id: None,
                client_secret: None,
            } => Some(Self::Login(Login {
                user: one_line(user)?,
                password: secret_line(password)?,
                database: match database {
                    Some(database) => Some(one_line(database)?),
                    None => None,
                },
            })),
            Members {
                key: None,
                user: None,
                password: None,
                database: None,
                client_id: Some(id),
                client_secret: Some(secret),
            } => Some(Self::Client(ClientCredential {
                id: one_line(id)?,
                secret: secret_line(secret)?,
            })),
            _ => None,
        }
    }
}

/// Returns whether a text can be sent in a header: one line, and not empty.
fn is_one_line(text: &str) -> bool {
    !text.is_empty() && !text.contains(char::is_control)
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    /// Shows what was parsed, secrets included.
    fn parsed(text: &str, needed: CredentialKind) -> Result<String, String> {
        let credential = Credential::parse(text, needed).map_err(|invalid| invalid.to_string())?;
        Ok(match credential {
            Credential::Key(key) => key.expose_secret().to_owned(),
            Credential::Login(Login {
                user,
                password,
                database,
            }) => format!("{user} {} {database:?}", password.expose_secret()),
            Credential::Client(ClientCredential { id, secret }) => {
                format!("{id} {}", secret.expose_secret())
            }
        })
    }

    #[test]
    fn a_credential_is_one_line_or_json_of_its_kind() {
        use CredentialKind::{Client, Key, Login};
        for (text, kind, expected) in [
            ("s3cret", Key, "s3cret"),
            ("s3cret\r\n", Key, "s3cret"),
            (" s3cret ", Key, " s3cret "),
            (r#"{"key":"s3cret"}"#, Key, "s3cret"),
            (
                "{\n  \"user\": \"svc@acme.example\",\n  \"password\": \"s3cret\"\n}\n",
                Login,
                "svc@acme.example s3cret None",
            ),
            (
                r#"{"user":"svc","password":"s3cret","database":"acme"}"#,
                Login,
                r#"svc s3cret Some("acme")"#,
            ),
            (
                r#"{"client_secret":"s3cret","client_id":"core"}"#,
                Client,
                "core s3cret",
            ),
        ] {
            assert_eq!(parsed(text, kind).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn a_credential_of_another_kind_is_refused_in_words_that_say_what_is_needed() {
        use CredentialKind::{Client, Key, Login};
        for (text, needed, words) in [
            (
                "s3cret",
                Login,
                r#"leads to one key: the provider needs a user and password, as JSON {"user":…,"password":…}, with "database" where there are several"#,
            ),
            (
                r#"{"user":"svc","password":"s3cret"}"#,
                Key,
                r#"leads to a user and password: the provider needs one key, as one line, or JSON {"key":…}"#,
            ),
            (
                r#"{"key":"s3cret"}"#,
                Client,
                r#"leads to one key: the provider needs a client id and secret, as JSON {"client_id":…,"client_secret":…}"#,
            ),
        ] {
            assert_eq!(parsed(text, needed), Err(words.to_owned()), "{text}");
        }
    }

    #[test]
    fn a_text_that_is_no_credential_is_refused_without_being_quoted() {
        use CredentialKind::Key;
        for (text, invalid) in [
            ("", InvalidCredential::Empty),
            ("\n\n", InvalidCredential::Empty),
            ("a\nb\n", InvalidCredential::NotOneLine),
            ("a\0b", InvalidCredential::NotOneLine),
            ("{}", InvalidCredential::UnknownForm(Key)),
            (r#"{"key":"s3cret""#, InvalidCredential::UnknownForm(Key)),
            (r#"{"key":""}"#, InvalidCredential::UnknownForm(Key)),
            (r#"{"key":"s3\ncret"}"#, InvalidCredential::UnknownForm(Key)),
            (
                r#"{"key":"s3cret","user":"svc"}"#,
                InvalidCredential::UnknownForm(Key),
            ),
            (
                r#"{"key":"s3cret","realm":"x"}"#,
                InvalidCredential::UnknownForm(Key),
            ),
            (r#"{"user":"svc"}"#, InvalidCredential::UnknownForm(Key)),
            (
                r#"{"client_id":"core","password":"s3cret"}"#,
                InvalidCredential::UnknownForm(Key),
            ),
        ] {
            let refused = parsed(text, Key).expect_err(text);
            assert_eq!(refused, invalid.to_string(), "{text:?}");
            assert!(!refused.contains("s3cret"), "{refused}");
        }
    }

    #[test]
    fn secrets_are_not_in_debug() {
        for (text, kind) in [
            ("s3cret", CredentialKind::Key),
            (
                r#"{"user":"svc","password":"s3cret"}"#,
                CredentialKind::Login,
            ),
            (
                r#"{"client_id":"core","client_secret":"s3cret"}"#,
                CredentialKind::Client,
            ),
        ] {
            let credential = Credential::parse(text, kind).expect("a credential");
            assert!(!format!("{credential:?}").contains("s3cret"));
        }
    }

    #[test]
    fn a_provider_that_uses_what_it_has_not_declared_is_told_so() {
        let credential = Credential::parse("s3cret", CredentialKind::Key).expect("a key");
        let error = credential.client().expect_err("no client");
        assert_eq!(
            error.detail,
            "the provider uses a client id and secret, and has declared that it needs one key"
        );
    }
}
