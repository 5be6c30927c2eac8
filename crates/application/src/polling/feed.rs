//! Feeds: where a poll goes on, whom its answer lacks, and what becomes of the cursor that it brings.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use domain::acceptance::{Judged, RejectReason, Verdict};
use domain::fleet::{Connection, Device};
use domain::ids::{CycleId, DeviceId};
use domain::polling::{Feed, FeedCursor, HeldCursor, Reach};
use persistence::polling::ClaimedCycle;
use persistence::{StorageError, UnitOfWork};
use providers::{FeedPosition, Polled};

use crate::Core;

/// From where a connection is asked.
#[derive(Debug)]
pub(super) struct FeedStart {
    /// What was held and can be gone on from; nothing where everything is read.
    held: Option<HeldCursor>,
    /// When the asking began.
    asked_at: DateTime<Utc>,
}

impl FeedStart {
    /// Reads what is held of the connection, after its `expected` devices were read: one that is
    /// activated later is not among them, and the next poll sees that.
    pub(super) async fn of(
        core: &Core,
        cycle: &ClaimedCycle,
        connection: &Connection,
        expected: &[Device],
        asked_at: DateTime<Utc>,
    ) -> Result<Self, StorageError> {
        let held = match connection.feed() {
            Feed::Whole => None,
            Feed::Changes => {
                let store = &core.store;
                store
                    .held_cursor(&cycle.workspace_id, &connection.id)
                    .await?
            }
        };
        let newest_activation = expected.iter().map(|device| device.activated_at).max();
        let held = held.filter(|held| {
            let place = held.resume_from(connection.version, newest_activation, asked_at);
            place.is_some()
        });
        Ok(Self { held, asked_at })
    }

    /// The cursor to hand to the provider.
    pub(super) fn cursor(&self) -> Option<&FeedCursor> {
        self.held.as_ref().map(|held| &held.cursor)
    }

    /// Keeps where the answer ended, in the unit of work that accepts it: a crash before that commit has
    /// the same changes read again. An answer of which the flags let something not in is read again once
    /// they do, and does not move the cursor.
    pub(super) async fn keep(
        self,
        uow: &mut UnitOfWork,
        connection: &Connection,
        cycle_id: CycleId,
        position: FeedPosition,
        judged: &[Judged],
        now: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        if judged.iter().any(is_kept_out) {
            return Ok(());
        }
        let starts_over = position.reach.starts_over();
        if starts_over && self.held.is_some() {
            tracing::info!("the provider knows the cursor no more: everything was read");
        }
        let read_anew_at = match self.held {
            Some(held) if !starts_over => held.read_anew_at,
            _ => self.asked_at,
        };
        let held = HeldCursor {
            cursor: position.cursor,
            connection_version: connection.version,
            read_anew_at,
        };
        uow.keep_cursor(&connection.id, &held, cycle_id, now).await
    }
}

fn is_kept_out(judged: &Judged) -> bool {
    let Verdict::Rejected(rejection) = &judged.verdict else {
        return false;
    };
    matches!(
        rejection.reason,
        RejectReason::NotOwner | RejectReason::ProviderNotAllowed
    )
}

/// The expected devices that the provider does not have. Changes vouch for whom they do not name, but for
/// those who were missing when everything was read and have not come since.
pub(super) async fn missing(
    uow: &mut UnitOfWork,
    connection: &Connection,
    expected: &[Device],
    polled: &Polled,
) -> Result<Vec<DeviceId>, StorageError> {
    let reach = polled.position.as_ref().map(|position| position.reach);
    let doubtful: Option<HashSet<DeviceId>> = match reach {
        None | Some(Reach::Everything) => None,
        Some(Reach::Beginning | Reach::Changes) => {
            let absent = uow.absent_devices(&connection.id).await?;
            Some(absent.into_iter().collect())
        }
    };
    let missing = expected.iter().filter(|device| {
        let may_be = doubtful
            .as_ref()
            .is_none_or(|doubtful| doubtful.contains(&device.id));
        may_be && !polled.returned.contains(&device.spec.external_id)
    });
    Ok(missing.map(|device| device.id.clone()).collect())
}
