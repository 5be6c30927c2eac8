//! The caller: a machine with scopes, or a person with groups.

use std::collections::BTreeSet;
use std::sync::Arc;

const STAFF_GROUPS: [&str; 3] = ["system-admin", "accounts", "support"];

/// The caller behind a verified token. Cheap to clone: every part is shared.
///
/// A machine has no groups and a person has no scopes. What a token says of them is ignored, so there is no
/// field for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Principal {
    /// A program, which got its token by the client-credentials grant. It is not bound to a workspace.
    Machine {
        /// The app client (`client_id`).
        client_id: Arc<str>,
        /// The scopes as granted, such as `telematics/ingest` (`scope`).
        scopes: Arc<BTreeSet<String>>,
    },
    /// Somebody who signed in, whose token therefore has `username`.
    Person {
        /// The issuer's lasting id of the person (`sub`), not a name.
        subject: Arc<str>,
        /// The app client that the person signed in to (`client_id`).
        client_id: Arc<str>,
        /// The groups as granted, such as `support` (`cognito:groups`).
        groups: Arc<BTreeSet<String>>,
    },
}

/// A person's role in one workspace. An admin may do everything that a viewer may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WorkspaceRole {
    /// The role of group `workspace:{id}:viewer`.
    Viewer,
    /// The role of group `workspace:{id}:admin`.
    Admin,
}

impl Principal {
    /// A machine with these scopes.
    pub fn machine<S: Into<String>>(client_id: &str, scopes: impl IntoIterator<Item = S>) -> Self {
        Self::Machine {
            client_id: client_id.into(),
            scopes: names(scopes),
        }
    }

    /// A person with these groups.
    pub fn person<S: Into<String>>(
        subject: &str,
        client_id: &str,
        groups: impl IntoIterator<Item = S>,
    ) -> Self {
        Self::Person {
            subject: subject.into(),
            client_id: client_id.into(),
            groups: names(groups),
        }
    }

    /// Whether this is a machine that was granted exactly `scope`.
    pub fn has_scope(&self, scope: &str) -> bool {
        matches!(self, Self::Machine { scopes, .. } if scopes.contains(scope))
    }

    /// Whether this is a person in exactly `group`.
    pub fn is_in_group(&self, group: &str) -> bool {
        self.groups().is_some_and(|groups| groups.contains(group))
    }

    /// Whether this is a person of the staff: `system-admin`, `accounts` or `support`.
    pub fn is_staff(&self) -> bool {
        STAFF_GROUPS.iter().any(|group| self.is_in_group(group))
    }

    /// The person's own role in a workspace, the higher one of two. Staff rights are not included: see
    /// [`Principal::is_staff`]. Returns `None` for machines.
    ///
    /// `workspace_id` must be a workspace id by `domain`'s rule, which the caller checks. A group that names no
    /// valid id then equals no id and grants nothing.
    pub fn workspace_role(&self, workspace_id: &str) -> Option<WorkspaceRole> {
        self.groups()
            .into_iter()
            .flatten()
            .filter_map(|group| parse_workspace_group(group))
            .filter_map(|(granted, role)| (granted == workspace_id).then_some(role))
            .max()
    }

    /// The lasting name of the caller in audit records and rate limits: `machine:{client_id}` or
    /// `person:{subject}`.
    pub fn id(&self) -> String {
        match self {
            Self::Machine { client_id, .. } => format!("machine:{client_id}"),
            Self::Person { subject, .. } => format!("person:{subject}"),
        }
    }

    /// The app client through which the caller got its token.
    pub fn client_id(&self) -> &str {
        match self {
            Self::Machine { client_id, .. } | Self::Person { client_id, .. } => client_id,
        }
    }

    fn groups(&self) -> Option<&BTreeSet<String>> {
        match self {
            Self::Machine { .. } => None,
            Self::Person { groups, .. } => Some(groups),
        }
    }
}

fn names<S: Into<String>>(names: impl IntoIterator<Item = S>) -> Arc<BTreeSet<String>> {
    Arc::new(names.into_iter().map(Into::into).collect())
}

/// Splits a group such as `workspace:depot-north:viewer` into the workspace and the role.
fn parse_workspace_group(group: &str) -> Option<(&str, WorkspaceRole)> {
    let (workspace_id, role) = group.strip_prefix("workspace:")?.split_once(':')?;
    match role {
        "viewer" => Some((workspace_id, WorkspaceRole::Viewer)),
        "admin" => Some((workspace_id, WorkspaceRole::Admin)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_groups(groups: &[&str]) -> Principal {
        Principal::person("sub-1", "web", groups.iter().copied())
    }

    #[test]
    fn a_scope_counts_only_whole_and_only_for_a_machine() {
        let machine = Principal::machine("depot", ["telematics/ingest", "telematics/pollx"]);
        assert!(machine.has_scope("telematics/ingest"));
        for other in [
            "telematics/poll",
            "ingest",
            "telematics/",
            "Telematics/Ingest",
            "",
        ] {
            assert!(!machine.has_scope(other), "{other}");
        }
        assert!(!in_groups(&["telematics/ingest"]).has_scope("telematics/ingest"));
    }

    #[test]
    fn a_machine_is_in_no_group_and_has_no_role() {
        let machine = Principal::machine("depot", ["system-admin", "workspace:w1:admin"]);
        assert!(!machine.is_in_group("system-admin"));
        assert!(!machine.is_staff());
        assert_eq!(machine.workspace_role("w1"), None);
    }

    #[test]
    fn exactly_three_groups_are_staff() {
        for group in ["system-admin", "accounts", "support"] {
            assert!(in_groups(&[group]).is_staff(), "{group}");
        }
        for group in [
            "System-Admin",
            "system-admin ",
            "supp\u{43e}rt",
            "workspace:support:admin",
        ] {
            assert!(!in_groups(&[group]).is_staff(), "{group}");
        }
    }

    #[test]
    fn a_workspace_role_needs_the_exact_id_and_role() {
        let cases = [
            ("workspace:w1:viewer", "w1", Some(WorkspaceRole::Viewer)),
            ("workspace:w1:admin", "w1", Some(WorkspaceRole::Admin)),
            (
                "workspace:A.b_c-9:admin",
                "A.b_c-9",
                Some(WorkspaceRole::Admin),
            ),
            ("workspace:w1:viewer", "W1", None),
            ("workspace:w1:viewer", "w", None),
            ("workspace:w1:viewer", "w12", None),
            ("workspace::viewer", "w1", None),
            ("workspace:a:b:viewer", "a:b", None),
            ("workspace:w1:Viewer", "w1", None),
            ("workspace:w1:owner", "w1", None),
            ("workspace:w1:viewer ", "w1", None),
            ("workspace:w1", "w1", None),
            ("Workspace:w1:viewer", "w1", None),
            ("xworkspace:w1:viewer", "w1", None),
        ];
        for (group, workspace_id, role) in cases {
            assert_eq!(
                in_groups(&[group]).workspace_role(workspace_id),
                role,
                "{group}"
            );
        }
    }

    #[test]
    fn the_higher_of_two_roles_in_a_workspace_counts() {
        let person = in_groups(&[
            "workspace:w1:admin",
            "workspace:w1:viewer",
            "workspace:w2:viewer",
        ]);
        assert_eq!(person.workspace_role("w1"), Some(WorkspaceRole::Admin));
        assert_eq!(person.workspace_role("w2"), Some(WorkspaceRole::Viewer));
    }

    #[test]
    fn a_machine_and_a_person_never_share_an_id() {
        assert_eq!(Principal::machine("x", [""; 0]).id(), "machine:x");
        assert_eq!(Principal::person("x", "web", [""; 0]).id(), "person:x");
    }
}
