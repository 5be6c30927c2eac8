//! A follow-up, as answers show it.

use domain::TimeText;
use domain::follow_up::{FollowUp, Note, WrittenFollowUp};
use serde::Serialize;
use utoipa::ToSchema;

use crate::openapi::schema;

/// What has been done about the current silence of a device. All members are empty if nobody has followed it up.
#[derive(Serialize, ToSchema)]
#[schema(as = FollowUp)]
pub(crate) struct FollowUpView {
    pub(crate) contacted: bool,
    #[schema(required, value_type = Option<DateTime<Utc>>, example = "2026-12-01T08:00:00Z")]
    pub(crate) snoozed_until: Option<TimeText>,
    #[schema(required, value_type = Option<schema::Note>)]
    pub(crate) note: Option<Note>,
    #[schema(required, value_type = Option<DateTime<Utc>>)]
    pub(crate) updated_at: Option<TimeText>,
    #[schema(required, example = "person:3f6d1c2e")]
    pub(crate) updated_by: Option<String>,
}

impl FollowUpView {
    /// Renders the follow-up that is current, or an empty one.
    pub(crate) fn render(current: Option<&WrittenFollowUp>) -> Self {
        let FollowUp {
            contacted,
            snoozed_until,
            note,
        } = current
            .map(|written| written.follow_up.clone())
            .unwrap_or_default();
        Self {
            contacted,
            snoozed_until: snoozed_until.map(TimeText),
            note,
            updated_at: current.map(|written| TimeText(written.updated_at)),
            updated_by: current.map(|written| written.updated_by.clone()),
        }
    }
}
