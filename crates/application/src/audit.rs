//! Recording who did what: each of these events names its author, and `GET /audit` lists them.

use domain::events::EventType;
use domain::ids::{CycleId, DeviceId, EventId};
use persistence::history::Event;
use persistence::{StorageError, UnitOfWork};

use crate::{Author, Core};

/// A change to be recorded.
#[derive(Clone, Debug)]
pub(crate) struct Change<'a> {
    kind: EventType,
    device_id: Option<&'a DeviceId>,
    cycle_id: Option<CycleId>,
    payload: serde_json::Value,
}

impl<'a> Change<'a> {
    /// Of the workspace. The payload says what is, and in `from` what was before; never a secret.
    pub(crate) const fn new(kind: EventType, payload: serde_json::Value) -> Self {
        Self {
            kind,
            device_id: None,
            cycle_id: None,
            payload,
        }
    }

    /// Of one device.
    pub(crate) fn of_device(self, id: &'a DeviceId) -> Self {
        Self {
            device_id: Some(id),
            ..self
        }
    }

    /// Of one cycle.
    pub(crate) fn of_cycle(self, id: CycleId) -> Self {
        Self {
            cycle_id: Some(id),
            ..self
        }
    }
}

impl Core {
    /// Appends the event of a change, naming its author, in the transaction that makes it.
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
