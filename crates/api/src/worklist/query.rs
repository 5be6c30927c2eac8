//! The filters of both lists.

use application::queries::WorklistFilter;
use chrono::TimeDelta;
use domain::health::{Reason, Responsibility};
use domain::ids::{ProviderId, WorkspaceId};

use crate::request::{PageQuery, Params, QueryParams};

/// Ten years: longer than anything here has been running, and far from where times end.
const MINUTES_AT_MOST: i64 = 5_256_000;

/// As it was asked for: name and value, for the record of an export.
pub(super) type Asked = Vec<(&'static str, String)>;

/// Which silent devices of a workspace.
pub(crate) struct StaleDevicesQuery {
    pub(super) filter: WorklistFilter,
    pub(super) asked: Asked,
    pub(super) page: PageQuery,
}

impl QueryParams for StaleDevicesQuery {
    fn read(params: &mut Params) -> Self {
        let mut asked = Asked::new();
        let filter = read_filter(params, &mut asked);
        Self {
            filter,
            asked,
            page: PageQuery::read(params),
        }
    }
}

/// Which silent devices of which workspaces.
pub(crate) struct FollowUpsQuery {
    pub(super) filter: WorklistFilter,
    pub(super) asked: Asked,
    pub(super) page: PageQuery,
}

impl QueryParams for FollowUpsQuery {
    fn read(params: &mut Params) -> Self {
        let mut asked = Asked::new();
        let filter = read_filter(params, &mut asked);
        let workspace_id = params.read("workspace", WorkspaceId::RULE, |text| {
            WorkspaceId::try_new(text).ok()
        });
        note(&mut asked, "workspace", workspace_id.as_ref());
        let included = params.read("include", "must be not_cut_over", |text| {
            (text == "not_cut_over").then_some(text.to_owned())
        });
        note(&mut asked, "include", included.as_ref());
        Self {
            filter: WorklistFilter {
                workspace_id,
                not_cut_over: included.is_some(),
                ..filter
            },
            asked,
            page: PageQuery::read(params),
        }
    }
}

fn read_filter(params: &mut Params, asked: &mut Asked) -> WorklistFilter {
    let reason = params.word("reason", Reason::ALL, Reason::parse);
    let responsibility = params.word("responsibility", Responsibility::ALL, Responsibility::parse);
    let provider = params.read("provider", ProviderId::RULE, |text| {
        ProviderId::try_new(text).ok()
    });
    let silent_for = params.read("silent_for_minutes", "must be 0 to 5256000", |text| {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let minutes = text.parse().ok().filter(|_| digits);
        minutes.filter(|minutes| (0..=MINUTES_AT_MOST).contains(minutes))
    });
    note(asked, "reason", reason);
    note(asked, "responsibility", responsibility);
    note(asked, "provider", provider.as_ref());
    note(asked, "silent_for_minutes", silent_for);
    WorklistFilter {
        provider,
        reason,
        responsibility,
        silent_for: TimeDelta::minutes(silent_for.unwrap_or_default()),
        ..WorklistFilter::default()
    }
}

fn note(asked: &mut Asked, name: &'static str, value: Option<impl ToString>) {
    asked.extend(value.map(|value| (name, value.to_string())));
}
