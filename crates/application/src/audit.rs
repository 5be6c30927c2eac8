//! The record of who changed what: each change is an event that names its author, and `GET /audit` lists them.

use domain::events::EventType;
use domain::ids::{CycleId, DeviceId, EventId};
use persistence::history::Event;
use persistence::{StorageError, UnitOfWork};

use crate::{Author, Core};

/// A change that somebody made, to be recorded as an event.
#[derive(Clone, Debug)]
pub(crate) struct Change<'a> {
    kind: EventType,
    device_id: Option<&'a DeviceId>,
    cycle_id: Option<CycleId>,
    payload: serde_json::Value,
}

impl<'a> Change<'a> {
    /// Creates a change of the workspace. The payload holds the new values, and in `from` the values before; it never
    /// holds a secret.
    pub(crate) const fn new(kind: EventType, payload: serde_json::Value) -> Self {
        Self {
            kind,
            device_id: None,
            cycle_id: None,
            payload,
        }
    }

    /// Names the device that was changed.
    pub(crate) fn of_device(self, id: &'a DeviceId) -> Self {
        Self {
            device_id: Some(id),
            ..self
        }
    }

    /// Names the poll cycle that was changed.
    pub(crate) fn of_cycle(self, id: CycleId) -> Self {
        Self {
            cycle_id: Some(id),
            ..self
        }
    }
}

impl Core {
    /// Appends the event of a change, with its author, in the transaction that makes the change.
    pub(crate) async fn record_change(
        &self,
        uow: &mut UnitOfWork,
        author: Author<'_>,
        mut change: Change<'_>,
    ) -> Result<(), StorageError> {
        let now = self.clock.now();
        change.payload["changed_by"] = author.id.into();
        let event = Event {
            event_id: EventId(self.ids.next(now)),
            event_type: change.kind,
            device_id: change.device_id,
            cycle_id: change.cycle_id,
            changed_by: Some(author.id),
            trace_id: author.trace_id,
            payload: change.payload,
        };
        uow.append_event(event, now).await
    }
}
