//! What a schedule sends when it fires: the body of `POST /poll-cycles`.

use contract::poll_cycles::PollCycleRequest;
use domain::ids::WorkspaceId;
use serde_json::json;

/// Builds the input of a workspace's schedule.
///
/// EventBridge replaces each of the context attributes with its text when the schedule fires (user guide,
/// "Adding context attributes"). An attribute that it does not know would be sent as it is.
pub(crate) fn trigger_input(workspace_id: &WorkspaceId) -> String {
    let request = PollCycleRequest {
        workspace_id: workspace_id.as_str().into(),
        scheduled_time: Some("<aws.scheduler.scheduled-time>".into()),
        schedule_arn: Some("<aws.scheduler.schedule-arn>".into()),
        execution_id: Some("<aws.scheduler.execution-id>".into()),
        attempt: Some("<aws.scheduler.attempt-number>".into()),
    };
    json!(request).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_input_is_a_json_object_with_every_attribute_inside_a_text() {
        let id = WorkspaceId::try_new("depot-north").expect("an id");
        assert_eq!(
            trigger_input(&id),
            r#"{"attempt":"<aws.scheduler.attempt-number>","execution_id":"<aws.scheduler.execution-id>","schedule_arn":"<aws.scheduler.schedule-arn>","scheduled_time":"<aws.scheduler.scheduled-time>","workspace_id":"depot-north"}"#
        );
    }
}
