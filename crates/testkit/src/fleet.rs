//! A workspace that was built: methods that act on it, and methods that load what it has.

use application::Core;
use application::commands::{
    AcceptError, Batch, Precondition, accept_updates, deactivate_device, put_device,
};
use chrono::{DateTime, TimeDelta, Utc};
use domain::acceptance::{BatchItem, Gate, Item, Judged, Origin, Source, decide_batch};
use domain::events::{EventFilter, EventType};
use domain::fleet::{Device, WorkspaceRecord};
use domain::history::StoredSnapshot;
use domain::ids::{DeviceId, EventId, WorkspaceId};
use domain::signals::Readings;
use persistence::acceptance::{AcceptanceWriter, Delivery, Recorded};
use persistence::history::EventSpan;
use persistence::{Fence, UnitOfWork};
use sqlx::FromRow;
use uuid::Uuid;

use crate::{AUTHOR, DeviceBuilder};

/// A workspace, seen by one instance of the service.
#[derive(Clone, Debug)]
pub struct Fleet {
    /// The instance of the service.
    pub core: Core,
    /// The workspace.
    pub id: WorkspaceId,
}

/// A `TelematicsUpdateAccepted` in the event store.
#[derive(Clone, Debug, FromRow)]
pub struct AcceptedEvent {
    /// The id of the event. The ids that one instance makes are in the order in which it makes them.
    pub event_id: Uuid,
    /// The time at which the event was recorded.
    pub recorded_at: DateTime<Utc>,
    /// The poll cycle that brought the update; `None` if it was pushed.
    pub cycle_id: Option<Uuid>,
    /// The readings that the update brought.
    #[sqlx(json)]
    pub readings: Readings,
}

/// An exclusive fence on a workspace, held until it is dropped: no batch is accepted meanwhile.
#[derive(Debug)]
pub struct HeldWorkspace {
    _change: UnitOfWork,
}

impl Fleet {
    /// Holds the workspace's exclusive fence, as a change of its flags does.
    ///
    /// # Panics
    /// If the store fails.
    pub async fn hold(&self) -> HeldWorkspace {
        let change = self.core.store.begin(&self.id, Fence::Exclusive).await;
        HeldWorkspace {
            _change: change.expect("the store"),
        }
    }

    /// Returns the same workspace, seen by another instance.
    #[must_use]
    pub fn seen_by(&self, core: Core) -> Self {
        Self {
            core,
            id: self.id.clone(),
        }
    }

    /// Loads the workspace's record.
    ///
    /// # Panics
    /// If there is no such workspace.
    pub async fn record(&self) -> WorkspaceRecord {
        self.core
            .store
            .workspace(&self.id)
            .await
            .expect("the store")
            .expect("the workspace")
    }

    /// Pushes a batch of updates.
    ///
    /// # Panics
    /// If the whole batch is refused.
    pub async fn push<I: Into<Item>>(&self, items: impl IntoIterator<Item = I>) -> Vec<Judged> {
        let items: Vec<Item> = items.into_iter().map(Into::into).collect();
        self.accept(&items, Source::Push)
            .await
            .expect("a batch that is not refused whole")
    }

    /// Submits a batch from any source.
    ///
    /// # Errors
    /// If the whole batch is refused.
    pub async fn accept(&self, items: &[Item], source: Source) -> Result<Vec<Judged>, AcceptError> {
        let items = items.iter().map(|item| (item, Origin::default()));
        let batch = Batch::new(&self.id, source, self.core.clock.now(), items);
        let judged = accept_updates(&self.core, batch).await?;
        Ok(judged.into_iter().map(|one| one.judged).collect())
    }

    /// Configures a device, new or changed.
    ///
    /// # Panics
    /// If that is refused.
    pub async fn configure(&self, device: DeviceBuilder) -> Device {
        let (id, spec) = device.build();
        put_device(&self.core, AUTHOR, &self.id, &id, spec, &Precondition::None)
            .await
            .expect("a device")
            .0
    }

    /// Deactivates a device.
    ///
    /// # Panics
    /// If that is refused, or if `device_id` is not a device id.
    pub async fn deactivate(&self, device_id: &str) {
        deactivate_device(
            &self.core,
            AUTHOR,
            &self.id,
            &device(device_id),
            &Precondition::None,
        )
        .await
        .expect("a deactivation");
    }

    /// Loads an active device with its snapshot.
    ///
    /// # Panics
    /// If there is no such device.
    pub async fn snapshot(&self, device_id: &str) -> StoredSnapshot {
        self.core
            .store
            .snapshot(&self.id, &device(device_id))
            .await
            .expect("the store")
            .expect("an active device")
    }

    /// Loads the events of the device's accepted updates, in the order of their ids.
    ///
    /// # Panics
    /// If they cannot be read.
    pub async fn accepted_events(&self, device_id: &str) -> Vec<AcceptedEvent> {
        sqlx::query_as(
            "SELECT event_id, recorded_at, cycle_id, normalized_values AS readings FROM event_store
             WHERE workspace_id = $1 AND device_id = $2 AND type = 'TelematicsUpdateAccepted' ORDER BY event_id",
        )
        .bind(self.id.as_str())
        .bind(device_id)
        .fetch_all(self.core.store.pool())
        .await
        .expect("events")
    }

    /// Computes the readings that the accepted updates of a device's present activation add up to.
    ///
    /// # Panics
    /// If there is no such device.
    pub async fn fold_of_events(&self, device_id: &str) -> Readings {
        let activated_at = self.snapshot(device_id).await.activated_at;
        let events = self.accepted_events(device_id).await;
        let mut folded = Readings::empty();
        for event in events
            .iter()
            .filter(|event| event.recorded_at >= activated_at)
        {
            for (signal, reading) in event.readings.iter() {
                folded.join(signal, *reading);
            }
        }
        folded
    }

    /// Loads the ids and payloads of the workspace's events of a type, in the order of their ids. The payloads are as the
    /// API shows them.
    ///
    /// # Panics
    /// If they cannot be read, or if there is no such type.
    pub async fn events(&self, event_type: &str) -> Vec<(Uuid, serde_json::Value)> {
        let filter = EventFilter {
            event_type: Some(EventType::parse(event_type).expect("a type of events")),
            ..EventFilter::default()
        };
        let ever = EventSpan {
            from: DateTime::UNIX_EPOCH,
            before: None,
            until: DateTime::UNIX_EPOCH + TimeDelta::days(100_000),
        };
        let events = (self.core.store)
            .events(&self.id, &filter, ever, None, i64::MAX)
            .await
            .expect("events");
        let mut payloads: Vec<_> = events
            .into_iter()
            .map(|event| (event.event_id.0, event.payload))
            .collect();
        payloads.sort_unstable_by_key(|(event_id, _)| *event_id);
        payloads
    }
}

fn device(id: &str) -> DeviceId {
    DeviceId::try_new(id).expect("a device id")
}

/// Loads, decides and records one update with a writer whose unit of work stays open.
///
/// # Panics
/// If the update is not accepted, or if another batch is quicker.
pub async fn record_in(writer: &mut AcceptanceWriter<'_>, fleet: &Fleet, item: &Item) {
    let now = fleet.core.clock.now();
    let items = [BatchItem {
        position: 0,
        item,
        origin: Origin::default(),
    }];
    let facts = writer.load(&items).await.expect("the store");
    let facts = facts.expect("the workspace");
    let gate = Gate {
        cutover: facts.cutover,
        source: Source::Push,
        future_tolerance: fleet.core.rules.future_tolerance,
        now,
    };
    let next_event_id = || EventId(fleet.core.ids.next(now));
    let decision = decide_batch(items, &facts.registry, &gate, next_event_id);
    assert_eq!(decision.moves.len(), 1, "{decision:?}");
    let delivery = Delivery {
        received_at: now,
        prepared_at: now,
        cycle_id: None,
    };
    let recorded = writer.record(&decision, &delivery).await;
    assert_eq!(recorded.expect("the store"), Recorded::All);
}
