//! The adapter.

use std::time::Duration;

use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader, Region};
use aws_sdk_scheduler::Client;
use aws_sdk_scheduler::operation::create_schedule::CreateScheduleError;
use aws_sdk_scheduler::operation::delete_schedule::DeleteScheduleError;
use aws_sdk_scheduler::operation::get_schedule::{GetScheduleError, GetScheduleOutput};
use aws_sdk_scheduler::operation::list_schedules::ListSchedulesError;
use aws_sdk_scheduler::operation::update_schedule::UpdateScheduleError;
use aws_sdk_scheduler::types::{
    ActionAfterCompletion, DeadLetterConfig, EventBridgeParameters, FlexibleTimeWindow,
    FlexibleTimeWindowMode, RetryPolicy, ScheduleState, Target,
};
use domain::schedules::{ScheduleName, WorkspaceSchedule};
use futures::future::{BoxFuture, FutureExt};
use scheduling::{Scheduler, SchedulerError, Source, Standing};
use uuid::Uuid;

use crate::error::classify;
use crate::input::trigger_input;
use crate::settings::EventBridgeSettings;

const TIMEZONE: &str = "UTC";
/// What the rule on the bus looks for.
const SOURCE: &str = "bf.telematics.scheduler";
const DETAIL_TYPE: &str = "PollCycleDue";
/// A trigger that is later than this has no slot any more.
const RETRY_AGE_SECONDS: i32 = 180;
const RETRIES: i32 = 3;
/// Names on a page of a list: the most that there may be.
const PAGE: i32 = 100;
/// One call with the client's own retries of throttling and failures, and one attempt.
const OPERATION_WITHIN: Duration = Duration::from_secs(10);
const ATTEMPT_WITHIN: Duration = Duration::from_secs(3);

/// EventBridge Scheduler, told of one group.
#[derive(Clone, Debug)]
pub struct EventBridge {
    client: Client,
    settings: EventBridgeSettings,
}

impl EventBridge {
    /// A client with the credentials of where it runs: environment, profile, container or instance.
    pub async fn connect(settings: EventBridgeSettings) -> Self {
        Self::connect_by(aws_config::defaults(BehaviorVersion::latest()), settings).await
    }

    /// A client with the credentials, and by the retries, of this loader.
    pub async fn connect_by(loader: ConfigLoader, settings: EventBridgeSettings) -> Self {
        let timeouts = TimeoutConfig::builder()
            .operation_timeout(OPERATION_WITHIN)
            .operation_attempt_timeout(ATTEMPT_WITHIN)
            .build();
        let mut config = loader
            .region(Region::new(settings.region.clone()))
            .timeout_config(timeouts);
        if let Some(url) = &settings.endpoint_url {
            config = config.endpoint_url(url);
        }
        Self {
            client: Client::new(&config.load().await),
            settings,
        }
    }

    fn target(&self, schedule: &WorkspaceSchedule) -> Result<Target, SchedulerError> {
        let event = EventBridgeParameters::builder()
            .source(SOURCE)
            .detail_type(DETAIL_TYPE)
            .build()
            .map_err(incomplete)?;
        Target::builder()
            .arn(&self.settings.bus_arn)
            .role_arn(&self.settings.role_arn)
            .event_bridge_parameters(event)
            .input(trigger_input(&schedule.workspace_id))
            .retry_policy(
                RetryPolicy::builder()
                    .maximum_event_age_in_seconds(RETRY_AGE_SECONDS)
                    .maximum_retry_attempts(RETRIES)
                    .build(),
            )
            .dead_letter_config(
                DeadLetterConfig::builder()
                    .arn(&self.settings.dlq_arn)
                    .build(),
            )
            .build()
            .map_err(incomplete)
    }

    /// An update replaces all of a schedule: what is left out goes back to a default, so nothing is.
    async fn update(&self, schedule: &WorkspaceSchedule, token: Uuid) -> Result<(), UpdateFailure> {
        let sent = self
            .client
            .update_schedule()
            .group_name(self.settings.group.as_str())
            .name(schedule.name.as_str())
            .client_token(format!("update-{token}"))
            .description(description(schedule))
            .schedule_expression(schedule.expression.as_str())
            .schedule_expression_timezone(TIMEZONE)
            .flexible_time_window(exactly().map_err(UpdateFailure::Other)?)
            .state(ScheduleState::Enabled)
            .action_after_completion(ActionAfterCompletion::None)
            .target(self.target(schedule).map_err(UpdateFailure::Other)?)
            .send()
            .await;
        match sent {
            Ok(_) => Ok(()),
            Err(error) if is(&error, UpdateScheduleError::is_resource_not_found_exception) => {
                Err(UpdateFailure::Missing)
            }
            Err(error) => Err(UpdateFailure::Other(classify(
                error,
                UpdateScheduleError::is_throttling_exception,
                UpdateScheduleError::is_internal_server_exception,
            ))),
        }
    }

    /// `false` when there is one of this name.
    async fn create(
        &self,
        schedule: &WorkspaceSchedule,
        token: Uuid,
    ) -> Result<bool, SchedulerError> {
        let sent = self
            .client
            .create_schedule()
            .group_name(self.settings.group.as_str())
            .name(schedule.name.as_str())
            .client_token(format!("create-{token}"))
            .description(description(schedule))
            .schedule_expression(schedule.expression.as_str())
            .schedule_expression_timezone(TIMEZONE)
            .flexible_time_window(exactly()?)
            .state(ScheduleState::Enabled)
            .action_after_completion(ActionAfterCompletion::None)
            .target(self.target(schedule)?)
            .send()
            .await;
        match sent {
            Ok(_) => Ok(true),
            Err(error) if is(&error, CreateScheduleError::is_conflict_exception) => Ok(false),
            Err(error) => Err(classify(
                error,
                |kind| kind.is_throttling_exception() || kind.is_service_quota_exceeded_exception(),
                CreateScheduleError::is_internal_server_exception,
            )),
        }
    }

    async fn put(&self, schedule: &WorkspaceSchedule, token: Uuid) -> Result<(), SchedulerError> {
        if self.create(schedule, token).await? {
            return Ok(());
        }
        match self.update(schedule, token).await {
            Ok(()) => Ok(()),
            Err(UpdateFailure::Other(error)) => Err(error),
            // Removed between the two: whoever keeps it in line comes again.
            Err(UpdateFailure::Missing) => Err(SchedulerError::Unavailable(
                "it was there, and then was not".into(),
            )),
        }
    }

    async fn remove(&self, name: &ScheduleName, token: Uuid) -> Result<(), SchedulerError> {
        let sent = self
            .client
            .delete_schedule()
            .group_name(self.settings.group.as_str())
            .name(name.as_str())
            .client_token(format!("delete-{token}"))
            .send()
            .await;
        match sent {
            Ok(_) => Ok(()),
            Err(error) if is(&error, DeleteScheduleError::is_resource_not_found_exception) => {
                Ok(())
            }
            Err(error) => Err(classify(
                error,
                |kind| kind.is_throttling_exception() || kind.is_conflict_exception(),
                DeleteScheduleError::is_internal_server_exception,
            )),
        }
    }

    async fn compare(&self, schedule: &WorkspaceSchedule) -> Result<Standing, SchedulerError> {
        let sent = self
            .client
            .get_schedule()
            .group_name(self.settings.group.as_str())
            .name(schedule.name.as_str())
            .send()
            .await;
        match sent {
            Ok(held) => {
                let differing = differences(&held, schedule, &self.target(schedule)?);
                Ok(if differing.is_empty() {
                    Standing::InLine
                } else {
                    Standing::Changed(differing)
                })
            }
            Err(error) if is(&error, GetScheduleError::is_resource_not_found_exception) => {
                Ok(Standing::Missing)
            }
            Err(error) => Err(classify(
                error,
                GetScheduleError::is_throttling_exception,
                GetScheduleError::is_internal_server_exception,
            )),
        }
    }

    async fn names(&self) -> Result<Vec<ScheduleName>, SchedulerError> {
        let listed = self
            .client
            .list_schedules()
            .group_name(self.settings.group.as_str())
            .into_paginator()
            .page_size(PAGE)
            .items()
            .send()
            .collect::<Result<Vec<_>, _>>()
            .await;
        let listed = listed.map_err(|error| {
            classify(
                error,
                ListSchedulesError::is_throttling_exception,
                ListSchedulesError::is_internal_server_exception,
            )
        })?;
        // A name that breaks AWS's own rule is an emulator's; it is none of ours.
        let names = listed.iter().filter_map(|held| held.name());
        Ok(names
            .filter_map(|name| ScheduleName::try_new(name).ok())
            .collect())
    }
}

impl Scheduler for EventBridge {
    fn put<'a>(
        &'a self,
        schedule: &'a WorkspaceSchedule,
        token: Uuid,
    ) -> BoxFuture<'a, Result<(), SchedulerError>> {
        Self::put(self, schedule, token).boxed()
    }

    fn remove<'a>(
        &'a self,
        name: &'a ScheduleName,
        token: Uuid,
    ) -> BoxFuture<'a, Result<(), SchedulerError>> {
        Self::remove(self, name, token).boxed()
    }

    fn compare<'a>(
        &'a self,
        schedule: &'a WorkspaceSchedule,
    ) -> BoxFuture<'a, Result<Standing, SchedulerError>> {
        Self::compare(self, schedule).boxed()
    }

    fn names(&self) -> BoxFuture<'_, Result<Vec<ScheduleName>, SchedulerError>> {
        Self::names(self).boxed()
    }
}

enum UpdateFailure {
    Missing,
    Other(SchedulerError),
}

/// Without a flexible window: a trigger comes within its minute.
fn exactly() -> Result<FlexibleTimeWindow, SchedulerError> {
    FlexibleTimeWindow::builder()
        .mode(FlexibleTimeWindowMode::Off)
        .build()
        .map_err(incomplete)
}

fn description(schedule: &WorkspaceSchedule) -> String {
    format!(
        "poll cycles of workspace {}, offset {} s",
        schedule.workspace_id,
        schedule.schedule.offset_seconds()
    )
}

/// A request that lacks a member never leaves this process.
fn incomplete(error: impl Into<Source>) -> SchedulerError {
    let source = error.into();
    SchedulerError::Refused {
        detail: source.to_string(),
        source,
    }
}

fn is<E, R>(error: &aws_sdk_scheduler::error::SdkError<E, R>, kind: impl Fn(&E) -> bool) -> bool {
    error.as_service_error().is_some_and(kind)
}

/// What of a held schedule decides when and what it fires, and is not as wanted.
fn differences(
    held: &GetScheduleOutput,
    schedule: &WorkspaceSchedule,
    target: &Target,
) -> Vec<&'static str> {
    let window = held.flexible_time_window().map(FlexibleTimeWindow::mode);
    let held_target = held.target();
    let is_target = |same: &dyn Fn(&Target) -> bool| held_target.is_some_and(same);
    let alike = [
        (
            "expression",
            held.schedule_expression() == Some(schedule.expression.as_str()),
        ),
        (
            "timezone",
            held.schedule_expression_timezone() == Some(TIMEZONE),
        ),
        ("window", window == Some(&FlexibleTimeWindowMode::Off)),
        ("state", held.state() == Some(&ScheduleState::Enabled)),
        (
            "period",
            held.start_date().is_none() && held.end_date().is_none(),
        ),
        (
            "target",
            is_target(&|held| held.arn() == target.arn() && held.role_arn() == target.role_arn()),
        ),
        (
            "event",
            is_target(&|held| held.event_bridge_parameters() == target.event_bridge_parameters()),
        ),
        ("input", is_target(&|held| held.input() == target.input())),
        (
            "retry policy",
            is_target(&|held| held.retry_policy() == target.retry_policy()),
        ),
        (
            "dead letter queue",
            is_target(&|held| held.dead_letter_config() == target.dead_letter_config()),
        ),
    ];
    alike
        .into_iter()
        .filter_map(|(member, alike)| (!alike).then_some(member))
        .collect()
}
