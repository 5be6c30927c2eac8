//! Loading the latest polls of a workspace's connections before an earlier instant.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use domain::acceptance::RejectReason;
use domain::health::{ActiveDevice, ConnectionPolling, LastRejection};
use domain::ids::WorkspaceId;
use domain::polling::ErrorClass;

use super::columns::ConnectionColumns;
use crate::postgres::{StorageError, Store, decode};

impl Store {
    /// Loads the workspace's connections as they were configured at an instant, each with its latest poll and its
    /// latest answer before the instant.
    pub(super) async fn load_polls_as_of(
        &self,
        workspace_id: &WorkspaceId,
        at: DateTime<Utc>,
    ) -> Result<PollsAsOf, StorageError> {
        let rows = sqlx::query_as!(
            PollColumnsAsOf,
            r#"/* history: connections and their polls as of */
            WITH changed AS (
                SELECT DISTINCT ON (payload->>'provider_id') payload->>'provider_id' AS provider_id, payload->'from' AS before
                FROM event_store
                WHERE workspace_id = $1 AND recorded_at > $2 AND changed_by IS NOT NULL
                  AND type IN ('ProviderConnectionConfigured', 'ProviderConnectionRemoved')
                ORDER BY payload->>'provider_id', recorded_at, event_id
            ), connections AS (
                SELECT provider_id, before->>'provider_type' AS provider_type, (before->>'enabled')::boolean AS enabled,
                       (before->>'expected_reporting_interval_minutes')::integer AS declared_interval_minutes
                FROM changed WHERE json_typeof(before) = 'object'
                UNION ALL
                SELECT provider_id, provider_type, enabled, expected_reporting_interval_minutes FROM provider_connections now
                WHERE workspace_id = $1 AND NOT EXISTS (SELECT 1 FROM changed WHERE changed.provider_id = now.provider_id)
            )
            SELECT w.last_cycle_ended_at, c.provider_id AS "provider_id?", c.provider_type AS "provider_type?",
                   c.enabled AS "enabled?", c.declared_interval_minutes AS "declared_interval_minutes?",
                   p.started_at AS "started_at?", p.outcome AS "outcome?", p.error_class AS "error_class?",
                   p.ended_at AS "ended_at?", p.rejected_devices AS "rejected_devices?",
                   ok.started_at AS "asked_at?", ok.ended_at AS "answered_at?", ok.missing AS "missing?"
            FROM (
                SELECT max(ended_at) AS last_cycle_ended_at FROM poll_cycles
                WHERE workspace_id = $1 AND polled AND ended_at <= $2
            ) w
            LEFT JOIN connections c ON true
            LEFT JOIN LATERAL (
                SELECT started_at, ended_at, outcome, error_class, rejected_devices FROM poll_cycle_connections
                WHERE workspace_id = $1 AND provider_id = c.provider_id AND ended_at <= $2
                  AND (error_class = ANY ($3)) IS NOT TRUE
                ORDER BY ended_at DESC LIMIT 1
            ) p ON true
            LEFT JOIN LATERAL (
                SELECT started_at, ended_at, missing FROM poll_cycle_connections
                WHERE workspace_id = $1 AND provider_id = c.provider_id AND outcome = 'ok' AND ended_at <= $2
                ORDER BY ended_at DESC LIMIT 1
            ) ok ON true
            ORDER BY c.provider_id"#,
            workspace_id.as_str(),
            at,
            &ErrorClass::words_where(ErrorClass::repeats_a_failure) as &[&str],
        )
        .fetch_all(&self.pool)
        .await?;
        let mut polls = PollsAsOf {
            last_cycle_ended_at: rows.first().and_then(|row| row.last_cycle_ended_at),
            ..PollsAsOf::default()
        };
        for row in rows {
            polls.add(row)?;
        }
        Ok(polls)
    }
}

/// The columns of a connection with its latest poll and its latest answer. A workspace without connections has one row,
/// in which only `last_cycle_ended_at` is set.
struct PollColumnsAsOf {
    last_cycle_ended_at: Option<DateTime<Utc>>,
    provider_id: Option<String>,
    provider_type: Option<String>,
    enabled: Option<bool>,
    declared_interval_minutes: Option<i32>,
    started_at: Option<DateTime<Utc>>,
    outcome: Option<String>,
    error_class: Option<String>,
    ended_at: Option<DateTime<Utc>>,
    rejected_devices: Option<serde_json::Value>,
    asked_at: Option<DateTime<Utc>>,
    answered_at: Option<DateTime<Utc>>,
    missing: Option<Vec<String>>,
}

/// The connections of a workspace at an earlier instant, with the results of their latest polls.
#[derive(Default)]
pub(super) struct PollsAsOf {
    /// The connections with their latest polls.
    pub(super) connections: Vec<ConnectionPolling>,
    /// The end of the latest polled cycle.
    pub(super) last_cycle_ended_at: Option<DateTime<Utc>>,
    /// The latest answer of each connection: the time of the request, and the devices missing from the answer.
    answers: HashMap<String, (DateTime<Utc>, HashSet<String>)>,
    /// The latest poll of each connection: the time of its end, and for each device of which all updates were rejected
    /// the reason. Rejected pushes are not included: only the latest rejection of a push is stored, and it may be later
    /// than the instant.
    refusals: HashMap<String, (DateTime<Utc>, HashMap<String, RejectReason>)>,
}

impl PollsAsOf {
    /// Adds a connection with its latest poll and its latest answer.
    fn add(&mut self, row: PollColumnsAsOf) -> Result<(), StorageError> {
        let (Some(provider_id), Some(provider_type), Some(enabled)) =
            (row.provider_id, row.provider_type, row.enabled)
        else {
            // A workspace without connections has one row, which holds the end of its latest cycle only.
            return Ok(());
        };
        if let (Some(asked_at), Some(missing)) = (row.asked_at, row.missing) {
            let answer = (asked_at, missing.into_iter().collect());
            self.answers.insert(provider_id.clone(), answer);
        }
        if let (Some(ended_at), Some(devices)) = (row.ended_at, row.rejected_devices) {
            let refused = (ended_at, decode::json("rejected_devices", devices)?);
            self.refusals.insert(provider_id.clone(), refused);
        }
        let columns = ConnectionColumns {
            provider_id,
            provider_type,
            enabled,
            declared_interval_minutes: row.declared_interval_minutes,
            started_at: row.started_at,
            outcome: row.outcome,
            error_class: row.error_class,
        };
        let (provider_id, facts) = columns.decode()?;
        self.connections.push(ConnectionPolling {
            provider_id,
            facts,
            last_answer_at: row.answered_at,
        });
        Ok(())
    }

    /// Returns whether the latest answer lacked the device. A device that was activated after the request is not
    /// absent, because the provider was not asked for the device.
    pub(super) fn is_absent(&self, row: &ActiveDevice) -> bool {
        let answer = self.answers.get(row.provider_id.as_str());
        answer.is_some_and(|(asked_at, missing)| {
            row.facts.activated_at <= *asked_at && missing.contains(row.device_id.as_str())
        })
    }

    /// Returns why the latest poll's updates of the device were rejected, if all of them were.
    pub(super) fn last_rejection(&self, row: &ActiveDevice) -> Option<LastRejection> {
        let (at, devices) = self.refusals.get(row.provider_id.as_str())?;
        let reason = devices.get(row.device_id.as_str())?;
        Some(LastRejection {
            reason: *reason,
            at: *at,
            polled: true,
        })
    }
}
