//! Who is calling: a machine with scopes, or a person with groups.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

const STAFF_GROUPS: [&str; 3] = ["system-admin", "accounts", "support"];
const MAX_WORKSPACE_ID_LEN: usize = 48;

/// The caller behind a verified token. Cheap to clone: every part is shared.
///
/// A machine has no groups and a person no scopes: whatever a token says of them counts for
/// nothing, so there is no place to keep it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Principal {
    /// A program, by the client-credentials grant; not bound to a workspace.
    Machine {
        /// The app client (`client_id`).
        client_id: Arc<str>,
        /// The scopes as granted, such as `telematics/ingest` (`scope`).
        scopes: Arc<BTreeSet<String>>,
    },
    /// Somebody who signed in; such a token carries `username`.
    Person {
        /// The issuer's lasting id of the person (`sub`), not a name.
        subject: Arc<str>,
        /// The app client that the person signed in to (`client_id`).
        client_id: Arc<str>,
        /// The groups as granted, such as `support` (`cognito:groups`).
        groups: Arc<BTreeSet<String>>,
    },
}

/// What a person may do in one workspace. An admin may do what a viewer may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WorkspaceRole {
    /// Group `workspace:{id}:viewer`.
    Viewer,
    /// Group `workspace:{id}:admin`.
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

    /// The person's own role in a workspace, the higher one of two. Staff rights are not in it:
    /// see [`Principal::is_staff`]. `None` for machines and for what is no workspace id.
    pub fn workspace_role(&self, workspace_id: &str) -> Option<WorkspaceRole> {
        self.workspace_grants()
            .filter_map(|(granted, role)| (granted == workspace_id).then_some(role))
            .max()
    }

    /// Every workspace in which the person has a role of their own, with the higher one of two.
    pub fn workspaces(&self) -> BTreeMap<&str, WorkspaceRole> {
        let mut roles = BTreeMap::new();
        for (workspace_id, role) in self.workspace_grants() {
            let held = roles.entry(workspace_id).or_insert(role);
            *held = role.max(*held);
        }
        roles
    }

    /// A text that names the caller for as long as the issuer knows it, for audit records and
    /// rate limits: `machine:{client_id}` or `person:{subject}`.
    pub fn id(&self) -> String {
        match self {
            Self::Machine { client_id, .. } => format!("machine:{client_id}"),
            Self::Person { subject, .. } => format!("person:{subject}"),
        }
    }

    /// The app client by which the caller got its token.
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

    fn workspace_grants(&self) -> impl Iterator<Item = (&str, WorkspaceRole)> {
        self.groups()
            .into_iter()
            .flatten()
            .filter_map(|group| workspace_grant(group))
    }
}

fn names<S: Into<String>>(names: impl IntoIterator<Item = S>) -> Arc<BTreeSet<String>> {
    Arc::new(names.into_iter().map(Into::into).collect())
}

fn workspace_grant(group: &str) -> Option<(&str, WorkspaceRole)> {
    let (workspace_id, role) = group.strip_prefix("workspace:")?.split_once(':')?;
    let role = match role {
        "viewer" => WorkspaceRole::Viewer,
        "admin" => WorkspaceRole::Admin,
        _ => return None,
    };
    is_workspace_id(workspace_id).then_some((workspace_id, role))
}

fn is_workspace_id(text: &str) -> bool {
    (1..=MAX_WORKSPACE_ID_LEN).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
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
        assert!(machine.workspaces().is_empty());
    }

    #[test]
    fn staff_are_three_groups_by_exact_name() {
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
        let longest = "w".repeat(48);
        let too_long = "w".repeat(49);
        let cases = [
            ("workspace:w1:viewer", "w1", Some(WorkspaceRole::Viewer)),
            ("workspace:w1:admin", "w1", Some(WorkspaceRole::Admin)),
            (
                "workspace:A.b_c-9:admin",
                "A.b_c-9",
                Some(WorkspaceRole::Admin),
            ),
            (
                &format!("workspace:{longest}:viewer"),
                &longest,
                Some(WorkspaceRole::Viewer),
            ),
            (&format!("workspace:{too_long}:viewer"), &too_long, None),
            ("workspace:w1:viewer", "W1", None),
            ("workspace:w1:viewer", "w", None),
            ("workspace:w1:viewer", "w12", None),
            ("workspace::viewer", "", None),
            ("workspace:a:b:viewer", "a:b", None),
            ("workspace:a b:viewer", "a b", None),
            ("workspace:w\u{f6}:viewer", "w\u{f6}", None),
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
    fn of_two_roles_in_a_workspace_the_higher_one_holds() {
        let person = in_groups(&[
            "workspace:w1:admin",
            "workspace:w1:viewer",
            "workspace:w2:viewer",
        ]);
        assert_eq!(person.workspace_role("w1"), Some(WorkspaceRole::Admin));
        let expected = [("w1", WorkspaceRole::Admin), ("w2", WorkspaceRole::Viewer)];
        assert_eq!(person.workspaces(), BTreeMap::from(expected));
    }

    #[test]
    fn ids_of_machines_and_people_cannot_meet() {
        assert_eq!(Principal::machine("x", [""; 0]).id(), "machine:x");
        assert_eq!(Principal::person("x", "web", [""; 0]).id(), "person:x");
    }
}
