//! The scheduler adapter for EventBridge.

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
use scheduling::{BoxedError, ScheduleCheck, Scheduler, SchedulerError};
use uuid::Uuid;

use crate::error::classify;
use crate::input::trigger_input;
use crate::settings::EventBridgeSettings;

const TIMEZONE: &str = "UTC";
/// The source and the detail type that the rule on the bus matches.
const SOURCE: &str = "bf.telematics.scheduler";
const DETAIL_TYPE: &str = "PollCycleDue";
/// The latest that a trigger may come. After this its slot is over.
const RETRY_AGE_SECONDS: i32 = 180;
const RETRIES: i32 = 3;
/// The names on one page of a list, which is the most that AWS allows.
const PAGE_SIZE: i32 = 100;
/// The time limit of one call, including the client's own retries.
const OPERATION_WITHIN: Duration = Duration::from_secs(10);
/// The time limit of one attempt.
const ATTEMPT_WITHIN: Duration = Duration::from_secs(3);

/// The schedules of one group in EventBridge Scheduler.
#[derive(Clone, Debug)]
pub struct EventBridge {
    client: Client,
    settings: EventBridgeSettings,
}

impl EventBridge {
    /// Makes a client with the credentials of its surroundings: environment, profile, container or instance.
    pub async fn connect(settings: EventBridgeSettings) -> Self {
        Self::connect_with(aws_config::defaults(BehaviorVersion::latest()), settings).await
    }

    /// Makes a client with the credentials and retries of this loader.
    pub async fn connect_with(loader: ConfigLoader, settings: EventBridgeSettings) -> Self {
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

    /// Updates a schedule. AWS resets every member that an update leaves out, so this update leaves out none.
    async fn update(&self, schedule: &WorkspaceSchedule, token: Uuid) -> Result<(), UpdateFailure> {
        let sent = self
            .client
            .update_schedule()
            .group_name(self.settings.group.as_str())
            .name(schedule.name.as_str())
            .client_token(format!("update-{token}"))
            .description(describe(schedule))
            .schedule_expression(schedule.expression.as_str())
            .schedule_expression_timezone(TIMEZONE)
            .flexible_time_window(no_flexible_window().map_err(UpdateFailure::Other)?)
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

    /// Creates a schedule. Returns `false` if there is already one with this name.
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
            .description(describe(schedule))
            .schedule_expression(schedule.expression.as_str())
            .schedule_expression_timezone(TIMEZONE)
            .flexible_time_window(no_flexible_window()?)
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
            // The schedule was removed between the two calls. The applier retries an unavailable scheduler.
            Err(UpdateFailure::Missing) => Err(SchedulerError::Unavailable(
                "the schedule was removed while it was being updated".into(),
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

    async fn compare(&self, schedule: &WorkspaceSchedule) -> Result<ScheduleCheck, SchedulerError> {
        let sent = self
            .client
            .get_schedule()
            .group_name(self.settings.group.as_str())
            .name(schedule.name.as_str())
            .send()
            .await;
        match sent {
            Ok(stored) => {
                let differing = list_differences(&stored, schedule, &self.target(schedule)?);
                Ok(if differing.is_empty() {
                    ScheduleCheck::InLine
                } else {
                    ScheduleCheck::Changed(differing)
                })
            }
            Err(error) if is(&error, GetScheduleError::is_resource_not_found_exception) => {
                Ok(ScheduleCheck::Missing)
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
            .page_size(PAGE_SIZE)
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
        // Only an emulator lists a name that breaks AWS's rule, and such a schedule is not ours.
        let names = listed.iter().filter_map(|stored| stored.name());
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
    ) -> BoxFuture<'a, Result<ScheduleCheck, SchedulerError>> {
        Self::compare(self, schedule).boxed()
    }

    fn names(&self) -> BoxFuture<'_, Result<Vec<ScheduleName>, SchedulerError>> {
        Self::names(self).boxed()
    }
}

/// The reason why an update failed.
enum UpdateFailure {
    Missing,
    Other(SchedulerError),
}

/// The window of a schedule without flexibility: its trigger comes within its minute.
fn no_flexible_window() -> Result<FlexibleTimeWindow, SchedulerError> {
    FlexibleTimeWindow::builder()
        .mode(FlexibleTimeWindowMode::Off)
        .build()
        .map_err(incomplete)
}

fn describe(schedule: &WorkspaceSchedule) -> String {
    format!(
        "poll cycles of workspace {}, offset {} s",
        schedule.workspace_id,
        schedule.schedule.offset_seconds()
    )
}

/// The error of a request that lacks a member and is therefore never sent.
fn incomplete(error: impl Into<BoxedError>) -> SchedulerError {
    let source = error.into();
    SchedulerError::Refused {
        detail: source.to_string(),
        source,
    }
}

/// Whether AWS refused a call with this kind of error.
fn is<E, R>(error: &aws_sdk_scheduler::error::SdkError<E, R>, kind: impl Fn(&E) -> bool) -> bool {
    error.as_service_error().is_some_and(kind)
}

/// Lists the members of a stored schedule that differ from the wanted ones. Only members that decide when and what
/// the schedule fires are compared.
fn list_differences(
    stored: &GetScheduleOutput,
    schedule: &WorkspaceSchedule,
    target: &Target,
) -> Vec<&'static str> {
    let window = stored.flexible_time_window().map(FlexibleTimeWindow::mode);
    let stored_target = stored.target();
    let is_target = |same: &dyn Fn(&Target) -> bool| stored_target.is_some_and(same);
    let alike = [
        (
            "expression",
            stored.schedule_expression() == Some(schedule.expression.as_str()),
        ),
        (
            "timezone",
            stored.schedule_expression_timezone() == Some(TIMEZONE),
        ),
        ("window", window == Some(&FlexibleTimeWindowMode::Off)),
        ("state", stored.state() == Some(&ScheduleState::Enabled)),
        (
            "period",
            stored.start_date().is_none() && stored.end_date().is_none(),
        ),
        (
            "target",
            is_target(&|stored| {
                stored.arn() == target.arn() && stored.role_arn() == target.role_arn()
            }),
        ),
        (
            "event",
            is_target(&|stored| {
                stored.event_bridge_parameters() == target.event_bridge_parameters()
            }),
        ),
        (
            "input",
            is_target(&|stored| stored.input() == target.input()),
        ),
        (
            "retry policy",
            is_target(&|stored| stored.retry_policy() == target.retry_policy()),
        ),
        (
            "dead letter queue",
            is_target(&|stored| stored.dead_letter_config() == target.dead_letter_config()),
        ),
    ];
    alike
        .into_iter()
        .filter_map(|(member, alike)| (!alike).then_some(member))
        .collect()
}
