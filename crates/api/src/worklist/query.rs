//! The parameters of both worklists.

use std::borrow::Cow;

use application::queries::WorklistFilter;
use chrono::TimeDelta;
use domain::health::{Reason, Responsibility};
use domain::ids::{ProviderId, WorkspaceId};
use serde_json::json;
use utoipa::openapi::{RefOr, Schema};

use crate::request::{ParameterValue, number_schema, query_parameters, words_schema};

query_parameters! {
    /// Which silent devices are listed.
    pub(crate) struct SilenceParameters {
        /// Only devices with this root cause.
        reason: Reason,
        /// Only devices whose cause is theirs to mend.
        responsibility: Responsibility,
        /// Only devices of connections of this name, or of this type.
        provider: ProviderId,
        /// Only devices that have been silent for so long at least.
        silent_for_minutes: SilentMinutes,
    }
}

query_parameters! {
    /// The workspaces whose silent devices are listed.
    pub(crate) struct WorkspaceParameters {
        /// Only this workspace.
        workspace: WorkspaceId,
        /// Also workspaces whose reads are not core's.
        include: NotCutOver,
    }
}

impl SilenceParameters {
    /// Returns the filter over all workspaces whose reads are core's.
    pub(super) fn filter(self) -> WorklistFilter {
        let minutes = self
            .silent_for_minutes
            .map(|SilentMinutes(minutes)| minutes);
        WorklistFilter {
            provider: self.provider,
            reason: self.reason,
            responsibility: self.responsibility,
            silent_for: TimeDelta::minutes(minutes.unwrap_or_default()),
            ..WorklistFilter::default()
        }
    }
}

/// The shortest silence of a list, in whole minutes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SilentMinutes(i64);

impl SilentMinutes {
    /// Ten years: longer than anything here has been running, and far from where times end.
    const MAX: i64 = 5_256_000;
}

impl ParameterValue for SilentMinutes {
    fn parse(text: &str) -> Option<Self> {
        let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
        let minutes = text.parse().ok().filter(|_| is_number)?;
        (0..=Self::MAX).contains(&minutes).then_some(Self(minutes))
    }

    fn rule() -> Cow<'static, str> {
        format!("must be 0 to {}", Self::MAX).into()
    }

    fn schema() -> RefOr<Schema> {
        number_schema(0, Self::MAX, json!(1440)).into()
    }
}

/// The one thing that may be included in the list over all workspaces.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NotCutOver;

impl NotCutOver {
    const WORD: &str = "not_cut_over";
}

impl ParameterValue for NotCutOver {
    fn parse(text: &str) -> Option<Self> {
        (text == Self::WORD).then_some(Self)
    }

    fn rule() -> Cow<'static, str> {
        format!("must be {}", Self::WORD).into()
    }

    fn schema() -> RefOr<Schema> {
        words_schema([Self::WORD]).into()
    }
}
