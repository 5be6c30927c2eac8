//! The input of a schedule: the body of `POST /poll-cycles`, whose attributes EventBridge fills in.

use serde_json::json;

use crate::ids::WorkspaceId;

/// The attributes that EventBridge replaces with text when a schedule fires (user guide, "context
/// attributes"). Within a JSON text each is a string.
const ATTRIBUTES: [&str; 4] = [
    "<aws.scheduler.scheduled-time>",
    "<aws.scheduler.schedule-arn>",
    "<aws.scheduler.execution-id>",
    "<aws.scheduler.attempt-number>",
];
const ATTRIBUTE_STARTS: &str = "<aws.scheduler.";
/// Half of what an event may weigh; our inputs are below 1 KiB.
const BYTES_AT_MOST: usize = 128 * 1024;

/// A valid input: a JSON object, because it becomes an event's detail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduleInput(String);

/// The reason why a text is no input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidInput {
    /// The text is not a JSON object.
    #[error("must be a JSON object")]
    NotAnObject,
    /// The text is longer than an event may be.
    #[error("must be at most {BYTES_AT_MOST} bytes")]
    TooLong,
    /// The text names an attribute that EventBridge does not know, and so would not replace.
    #[error("names an attribute that EventBridge does not fill in")]
    UnknownAttribute,
}

impl ScheduleInput {
    /// Checks an input.
    ///
    /// # Errors
    /// [`InvalidInput`].
    pub fn try_new(text: &str) -> Result<Self, InvalidInput> {
        if text.len() > BYTES_AT_MOST {
            return Err(InvalidInput::TooLong);
        }
        serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(text)
            .map_err(|_| InvalidInput::NotAnObject)?;
        let knows = |at: usize| ATTRIBUTES.iter().any(|known| text[at..].starts_with(known));
        if text
            .match_indices(ATTRIBUTE_STARTS)
            .any(|(at, _)| !knows(at))
        {
            return Err(InvalidInput::UnknownAttribute);
        }
        Ok(Self(text.to_owned()))
    }

    /// Returns the input of a workspace's schedule.
    pub fn of(workspace_id: &WorkspaceId) -> Self {
        let [scheduled_time, schedule_arn, execution_id, attempt] = ATTRIBUTES;
        let body = json!({
            "workspace_id": workspace_id,
            "scheduled_time": scheduled_time,
            "schedule_arn": schedule_arn,
            "execution_id": execution_id,
            "attempt": attempt,
        });
        Self(body.to_string())
    }

    /// Returns the text of the input.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_with_known_attributes_is_valid_and_nothing_else() {
        use InvalidInput::{NotAnObject, TooLong, UnknownAttribute};
        let long = format!(r#"{{"a":"{}"}}"#, "x".repeat(BYTES_AT_MOST));
        for (text, verdict) in [
            (r#"{"a":1}"#, Ok(())),
            (r#"{"at":"<aws.scheduler.scheduled-time>"}"#, Ok(())),
            ("", Err(NotAnObject)),
            ("[]", Err(NotAnObject)),
            ("not JSON", Err(NotAnObject)),
            (r#"{"at":<aws.scheduler.scheduled-time>}"#, Err(NotAnObject)),
            (r#"{"at":"<aws.scheduler.now>"}"#, Err(UnknownAttribute)),
            (long.as_str(), Err(TooLong)),
        ] {
            assert_eq!(
                ScheduleInput::try_new(text).map(drop),
                verdict,
                "{text:.40}"
            );
        }
    }

    #[test]
    fn a_workspaces_input_is_the_body_of_a_trigger() {
        let id = WorkspaceId::try_new("depot-north").expect("an id");
        let input = ScheduleInput::of(&id);
        assert_eq!(ScheduleInput::try_new(input.as_str()), Ok(input.clone()));
        let body: serde_json::Value = serde_json::from_str(input.as_str()).expect("JSON");
        assert_eq!(body["workspace_id"], "depot-north");
        assert_eq!(body["scheduled_time"], "<aws.scheduler.scheduled-time>");
    }
}
