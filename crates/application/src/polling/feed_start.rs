//! The cursors of a connection's feeds: from where a poll goes on, and what becomes of the cursors that it brings.

use std::collections::HashMap;

use domain::acceptance::{Judged, RejectReason, Verdict};
use domain::polling::{FeedCursor, HeldCursor};
use persistence::{StorageError, UnitOfWork};
use providers::FeedPosition;

use super::poll_connection::ConnectionPoll;

/// The cursors from which a poll of a connection goes on, by the names of their feeds. A feed without one is read
/// from its start.
#[derive(Debug)]
pub(super) struct FeedStart(HashMap<&'static str, HeldCursor>);

impl FeedStart {
    /// Loads the cursors that are held of the connection and may be gone on from. It must be called after the
    /// expected devices were loaded.
    pub(super) async fn load(poll: &ConnectionPoll<'_>) -> Result<Self, StorageError> {
        let feeds = poll.providers.registry().feeds(poll.connection);
        if feeds.is_empty() {
            return Ok(Self(HashMap::new()));
        }
        let newest_activation = poll.expected.iter().map(|device| device.activated_at).max();
        let version = poll.connection.version;
        let mut held = poll
            .core
            .store
            .held_cursors(&poll.cycle.workspace_id, &poll.connection.id)
            .await?;
        let resumed = feeds.into_iter().filter_map(|feed| {
            let held = held.remove(feed.name)?;
            held.can_resume(feed, version, newest_activation, poll.started_at)
                .then_some((feed.name, held))
        });
        Ok(Self(resumed.collect()))
    }

    /// Returns the cursors to hand to the provider.
    pub(super) fn cursors(&self) -> HashMap<&'static str, FeedCursor> {
        let cursors = self.0.iter();
        cursors
            .map(|(feed, held)| (*feed, held.cursor.clone()))
            .collect()
    }

    /// Keeps how far each feed was read, in the unit of work that accepts what was read: a crash before its commit
    /// has the same changes read again. An answer of which the flags kept something out does not move the cursors:
    /// it is read again once they let it in.
    pub(super) async fn keep_positions(
        mut self,
        poll: &ConnectionPoll<'_>,
        positions: Vec<FeedPosition>,
        judged: &[Judged],
        uow: &mut UnitOfWork,
    ) -> Result<(), StorageError> {
        if judged.iter().any(is_kept_out_by_flags) {
            return Ok(());
        }
        for position in positions {
            let name = position.feed.name;
            let held = self.0.remove(name);
            if position.is_from_start && held.is_some() {
                tracing::info!(
                    feed = name,
                    "the provider does not know the cursor any more: the feed was read from its start"
                );
            }
            let read_anew_at = match held {
                Some(held) if !position.is_from_start => held.read_anew_at,
                _ => poll.started_at,
            };
            let held = HeldCursor {
                cursor: position.cursor,
                connection_version: poll.connection.version,
                read_anew_at,
            };
            let now = poll.core.clock.now();
            uow.keep_cursor(&poll.connection.id, name, &held, poll.cycle.cycle_id, now)
                .await?;
        }
        Ok(())
    }
}

fn is_kept_out_by_flags(judged: &Judged) -> bool {
    let Verdict::Rejected(rejection) = &judged.verdict else {
        return false;
    };
    matches!(
        rejection.reason,
        RejectReason::NotOwner | RejectReason::ProviderNotAllowed
    )
}
