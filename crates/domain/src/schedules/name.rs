//! The names of schedules and of their groups.

use std::fmt;

use crate::ids::WorkspaceId;

/// The beginning of our schedules' names; a schedule with another name is not ours to remove.
const PREFIX: &str = "tm-poll-";

/// A name of a schedule or a group: 1 to 64 of `A-Z a-z 0-9 - _ .` (Scheduler API, `Name`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ScheduleName(String);

/// A text that cannot be the name of a schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to 64 of A-Z a-z 0-9 - _ .")]
pub struct InvalidScheduleName;

impl ScheduleName {
    /// Checks a name.
    ///
    /// # Errors
    /// [`InvalidScheduleName`].
    pub fn try_new(text: &str) -> Result<Self, InvalidScheduleName> {
        let is_valid = (1..=64).contains(&text.len())
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
        is_valid
            .then(|| Self(text.to_owned()))
            .ok_or(InvalidScheduleName)
    }

    /// Returns the name of a workspace's schedule. A workspace id has at most 48 of the same characters.
    pub fn of(workspace_id: &WorkspaceId) -> Self {
        Self(format!("{PREFIX}{workspace_id}"))
    }

    /// Returns the workspace of a schedule's name; `None` if [`Self::of`] does not make such a name.
    pub fn workspace_id(&self) -> Option<WorkspaceId> {
        WorkspaceId::try_new(self.0.strip_prefix(PREFIX)?).ok()
    }

    /// Returns the text of the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ScheduleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_of_the_characters_and_length_that_the_service_takes() {
        for good in [
            "a",
            "tm-poll-depot.north_1",
            &"x".repeat(64),
            "bf-telematics-poll-prod",
        ] {
            assert!(ScheduleName::try_new(good).is_ok(), "{good}");
        }
        for bad in ["", "bad name!$", "a/b", "ü", "a:b", &"x".repeat(65)] {
            assert!(ScheduleName::try_new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_longest_workspace_id_has_a_name_and_is_found_from_it() {
        for id in ["n", "depot.north_1-a", &"x".repeat(48)] {
            let id = WorkspaceId::try_new(id).expect("an id");
            let name = ScheduleName::of(&id);
            assert_eq!(ScheduleName::try_new(name.as_str()), Ok(name.clone()));
            assert_eq!(name.workspace_id(), Some(id));
        }
        for other in ["nightly-report", "tm-poll-", "tm-poll--north"] {
            let name = ScheduleName::try_new(other).expect("a name");
            assert_eq!(name.workspace_id(), None, "{other}");
        }
    }
}
