//! The query parameters of both worklists.

use std::borrow::Cow;

use application::queries::WorklistFilter;
use chrono::TimeDelta;
use domain::health::{Reason, Responsibility};
use domain::ids::{ProviderId, WorkspaceId};
use serde_json::json;
use utoipa::openapi::{RefOr, Schema};

use crate::request::{ParameterValue, number_schema, query_parameters, words_schema};

query_parameters! {
    /// The filter of both worklists.
    pub(crate) struct SilenceParameters {
        /// Only devices with this root cause.
        reason: Reason,
        /// Only devices whose root cause this party has to fix.
        responsibility: Responsibility,
        /// Only devices of the connection with this id, or of connections of this provider type.
        provider: ProviderId,
        /// Only devices that have been silent for at least this many minutes.
        silent_for_minutes: SilentMinutes,
    }
}

query_parameters! {
    /// The workspaces whose silent devices are listed.
    pub(crate) struct WorkspaceParameters {
        /// Only this workspace.
        workspace: WorkspaceId,
        /// With `not_cut_over`, workspaces whose reads core does not own are listed too.
        include: NotCutOver,
    }
}

impl SilenceParameters {
    /// Returns the filter over all workspaces whose reads core owns.
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

/// The shortest silence that a list includes, in whole minutes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SilentMinutes(i64);

impl SilentMinutes {
    /// The largest value, ten years: longer than any device has been known, and far from overflowing a time.
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

/// The only value of `include`: workspaces that are not cut over.
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
