//! Recording a batch: one call of a database function moves the snapshots and appends their events.

use chrono::{DateTime, Utc};
use domain::acceptance::{AcceptedUpdate, Decision, Drops, SnapshotMove};
use domain::ids::{CycleId, DeviceId, WorkspaceId};
use domain::signals::Readings;
use sqlx::PgConnection;
use sqlx::postgres::{PgHasArrayType, PgTypeInfo};
use uuid::Uuid;

use super::WorkspaceVersions;
use super::accepted_payload::RareMembersToWrite;
use crate::StorageError;
use crate::postgres::decode;
use crate::postgres::driver::JsonColumn;

/// The values that all updates of a batch share.
#[derive(Clone, Copy, Debug)]
pub struct Delivery {
    /// The instant at which the batch was decided.
    pub received_at: DateTime<Utc>,
    /// The instant at which the updates were prepared from what the provider sent.
    pub prepared_at: DateTime<Utc>,
    /// The poll cycle that brought the updates.
    pub cycle_id: Option<CycleId>,
}

/// Calls the database function `record_updates`, which moves snapshots and appends the events of the moved ones.
/// Returns the devices whose snapshots did not move, because another batch was ahead.
///
/// If `expected` is `None`, the caller holds the shared fence. Otherwise the call is a transaction of its own, which
/// records everything or nothing; it returns `None` if the workspace is being changed or has other versions than
/// `expected`.
pub(super) async fn record_updates(
    connection: &mut PgConnection,
    workspace_id: &WorkspaceId,
    expected: Option<WorkspaceVersions>,
    decision: &Decision<'_>,
    delivery: &Delivery,
) -> Result<Option<Vec<DeviceId>>, StorageError> {
    let rows: Vec<AcceptedUpdateRow<'_>> = decision
        .moves
        .iter()
        .flat_map(AcceptedUpdateRow::from_move)
        .collect();
    // `fetch_all` reads to the end of the answer, because the server confirms the commit after the only row.
    let superseded = sqlx::query_scalar!(
        r#"/* acceptance: record updates */
        SELECT record_updates($1, $2, $3, $4, $5, $6, $7) AS superseded"#,
        workspace_id.as_str(),
        expected.map(|versions| versions.registry_version),
        expected.map(|versions| versions.cutover_version),
        delivery.received_at,
        delivery.prepared_at,
        delivery.cycle_id.map(|id| id.0),
        &rows as &[AcceptedUpdateRow<'_>],
    )
    .fetch_all(connection)
    .await?;
    let superseded = superseded.into_iter().next();
    let superseded = superseded.ok_or(sqlx::Error::RowNotFound)?;
    let device_id = |id: &String| decode::id(DeviceId::try_new, "device_id", id);
    superseded
        .map(|ids| ids.iter().map(device_id).collect())
        .transpose()
}

/// A value of the composite type `accepted_update`, with the fields in the type's order. It is an accepted update; in
/// the last row of a device it also has the snapshot after the batch.
#[derive(sqlx::Encode)]
struct AcceptedUpdateRow<'d> {
    device_id: &'d str,
    activation_id: Uuid,
    version: i64,
    event_id: Uuid,
    vehicle_id: &'d str,
    provider_id: &'d str,
    normalized_values: Option<JsonColumn<&'d Readings>>,
    payload: Option<JsonColumn<RareMembersToWrite<'d>>>,
    envelope_id: Option<Uuid>,
    trace_id: Option<&'d str>,
    replaces_version: Option<i64>,
    newest_observed_at: Option<DateTime<Utc>>,
    signals: Option<JsonColumn<&'d Readings>>,
    dropped: Option<JsonColumn<&'d Drops>>,
}

impl sqlx::Type<sqlx::Postgres> for AcceptedUpdateRow<'_> {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_name("accepted_update")
    }
}

impl PgHasArrayType for AcceptedUpdateRow<'_> {
    fn array_type_info() -> PgTypeInfo {
        PgTypeInfo::array_of("accepted_update")
    }
}

impl<'d> AcceptedUpdateRow<'d> {
    /// Creates the rows of a device, in the order of its updates.
    fn from_move(moved: &'d SnapshotMove<'_>) -> impl Iterator<Item = Self> {
        let updates = moved.updates.iter().enumerate();
        updates.map(|(index, update)| Self::new(moved, update, index + 1 == moved.updates.len()))
    }

    /// Creates the row of one update; only the last row of a device carries the snapshot.
    fn new(moved: &'d SnapshotMove<'_>, update: &'d AcceptedUpdate<'_>, is_last: bool) -> Self {
        let SnapshotMove { device, held, .. } = moved;
        // A vehicle that is polled brings all of its signals each time: they are sent once.
        let is_all_that_is_held = is_last && *update.newer == held.readings;
        Self {
            device_id: device.id.as_str(),
            activation_id: device.activation_id.0,
            version: update.version,
            event_id: update.event_id.0,
            vehicle_id: device.spec.vehicle_id.as_str(),
            provider_id: device.spec.provider_id.as_str(),
            normalized_values: (!is_all_that_is_held).then_some(JsonColumn(&update.newer)),
            payload: RareMembersToWrite::new(moved, update).map(JsonColumn),
            envelope_id: update.origin.envelope_id.map(|id| id.0),
            trace_id: update.origin.trace_id,
            replaces_version: is_last.then_some(moved.replaces_version),
            newest_observed_at: is_last.then_some(moved.newest_observed_at),
            signals: is_last.then_some(JsonColumn(&held.readings)),
            dropped: is_last.then_some(JsonColumn(&held.drops)),
        }
    }
}
