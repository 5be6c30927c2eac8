//! The request for a development token: the body of `POST /dev/token`.

use serde::Deserialize;

/// The client id of development tokens whose request names none. It belongs on the verifier's allow-list in
/// the `dev` profile and nowhere else.
pub const DEV_CLIENT_ID: &str = "bf-dev";

const DEFAULT_LIFETIME_SECONDS: i64 = 3600;

/// A request for a development token, as JSON:
/// `{"kind":"machine","scopes":["telematics/ingest"]}` or
/// `{"kind":"user","groups":["system-admin"]}`, both with optional `client_id`, `subject` and
/// `expires_in_seconds`. Unknown members are refused. Scopes and groups may be any texts and default to none.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Body")]
pub struct MintRequest {
    /// The caller whom the token names.
    pub caller: MintedCaller,
    /// The `client_id` claim; [`DEV_CLIENT_ID`] if none is given.
    pub client_id: Option<String>,
    /// The `sub` claim, and a person's `username`. If none is given, it is the client id for a machine and
    /// `dev-user` for a person.
    pub subject: Option<String>,
    /// The time from now to `exp`: 3600 by default, negative for a token that has expired.
    pub expires_in_seconds: i64,
}

/// The caller whom a minted token names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MintedCaller {
    /// A machine: `"kind":"machine"`.
    Machine {
        /// The scopes as requested, joined by spaces in the token.
        scopes: Vec<String>,
    },
    /// A person: `"kind":"user"`.
    User {
        /// The groups as requested.
        groups: Vec<String>,
    },
}

impl MintRequest {
    /// A request for a token that names a machine with these scopes for an hour.
    pub fn machine<S: Into<String>>(scopes: impl IntoIterator<Item = S>) -> Self {
        Self::from(MintedCaller::Machine {
            scopes: scopes.into_iter().map(Into::into).collect(),
        })
    }

    /// A request for a token that names a person in these groups for an hour.
    pub fn user<S: Into<String>>(groups: impl IntoIterator<Item = S>) -> Self {
        Self::from(MintedCaller::User {
            groups: groups.into_iter().map(Into::into).collect(),
        })
    }
}

impl From<MintedCaller> for MintRequest {
    fn from(caller: MintedCaller) -> Self {
        Self {
            caller,
            client_id: None,
            subject: None,
            expires_in_seconds: DEFAULT_LIFETIME_SECONDS,
        }
    }
}

/// The body as it is parsed. It is one flat struct, so that an error in a member has its path.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    kind: Kind,
    scopes: Option<Vec<String>>,
    groups: Option<Vec<String>>,
    client_id: Option<String>,
    subject: Option<String>,
    expires_in_seconds: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Machine,
    User,
}

impl TryFrom<Body> for MintRequest {
    type Error = &'static str;

    fn try_from(body: Body) -> Result<Self, Self::Error> {
        let caller = match (body.kind, body.scopes, body.groups) {
            (Kind::Machine, scopes, None) => MintedCaller::Machine {
                scopes: scopes.unwrap_or_default(),
            },
            (Kind::User, None, groups) => MintedCaller::User {
                groups: groups.unwrap_or_default(),
            },
            (Kind::Machine, _, Some(_)) => return Err("`groups` belongs to kind `user`"),
            (Kind::User, Some(_), _) => return Err("`scopes` belongs to kind `machine`"),
        };
        Ok(Self {
            caller,
            client_id: body.client_id,
            subject: body.subject,
            expires_in_seconds: body.expires_in_seconds.unwrap_or(DEFAULT_LIFETIME_SECONDS),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_requests_a_machine_or_a_user() {
        let machine: MintRequest =
            serde_json::from_str(r#"{"kind":"machine","scopes":["telematics/ingest"]}"#)
                .expect("the contract's example");
        assert_eq!(machine, MintRequest::machine(["telematics/ingest"]));

        let user: MintRequest = serde_json::from_str(
            r#"{"kind":"user","groups":["a"],"client_id":"c","subject":"s","expires_in_seconds":-5}"#,
        )
        .expect("every optional member");
        let expected = MintRequest {
            client_id: Some("c".into()),
            subject: Some("s".into()),
            expires_in_seconds: -5,
            ..MintRequest::user(["a"])
        };
        assert_eq!(user, expected);
        assert_eq!(
            serde_json::from_str::<MintRequest>(r#"{"kind":"user"}"#).expect("no groups"),
            MintRequest::user([""; 0])
        );
    }

    #[test]
    fn a_body_that_breaks_the_contract_is_refused() {
        for body in [
            r"{}",
            r#"{"kind":"robot"}"#,
            r#"{"kind":"machine","groups":[]}"#,
            r#"{"kind":"user","scopes":[]}"#,
            r#"{"kind":"user","scope":"a"}"#,
            r#"{"kind":"user","groups":"a"}"#,
            r#"{"kind":"user","groups":[1]}"#,
            r#"{"kind":"user","expires_in_seconds":1.5}"#,
            r#"{"kind":"user","expires_in_seconds":"60"}"#,
        ] {
            assert!(serde_json::from_str::<MintRequest>(body).is_err(), "{body}");
        }
    }
}
