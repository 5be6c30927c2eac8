//! What every use case is given.

use std::sync::Arc;

use chrono::TimeDelta;
use clock::Clock;
use domain::events::EventType;
use domain::ids::{CycleId, DeviceId, EventId, IdSource};
use domain::polling::Breaker;
use persistence::history::Event;
use persistence::{StorageError, Store, UnitOfWork};
use providers::ProviderRegistry;

/// Store, clock, ids, the deployment's rules and its providers. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Core {
    /// The database.
    pub store: Store,
    /// The time.
    pub clock: Clock,
    /// Where ids come from.
    pub ids: Arc<IdSource>,
    /// What this deployment has decided.
    pub rules: Rules,
    /// The providers whose connections can be configured and whose messages are understood.
    pub provider_registry: ProviderRegistry,
}

/// Rules that are the deployment's to decide, not a workspace's.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// How far ahead of core's clock a provider's may be.
    pub future_tolerance: TimeDelta,
    /// How imprecisely triggers fire: 60 s for EventBridge, 0 for the in-process scheduler.
    pub trigger_precision: TimeDelta,
    /// When a connection that keeps failing is left alone.
    pub breaker: Breaker,
    /// How long events are kept, in whole days; the sweep drops older ones.
    pub event_retention: TimeDelta,
    /// How long poll cycles and sweeps are kept; the sweep removes older ones.
    pub cycle_retention: TimeDelta,
    /// How long provider envelopes are kept with their raw messages, in whole days; within it an envelope
    /// that comes again is known.
    pub envelope_retention: TimeDelta,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            future_tolerance: TimeDelta::minutes(5),
            trigger_precision: TimeDelta::seconds(60),
            breaker: Breaker::default(),
            event_retention: TimeDelta::days(90),
            cycle_retention: TimeDelta::days(90),
            envelope_retention: TimeDelta::days(14),
        }
    }
}

/// Who asks for a change, and in which trace.
#[derive(Clone, Copy, Debug)]
pub struct Author<'a> {
    /// A stable name for records: a person's subject or a machine's client id.
    pub id: &'a str,
    /// The W3C trace id of the request.
    pub trace_id: Option<&'a str>,
}

impl Core {
    /// Checks that the database answers.
    ///
    /// # Errors
    /// When it does not.
    pub async fn check_database(&self) -> Result<(), StorageError> {
        self.store.ping().await
    }

    /// Appends an event that nobody is to be named for.
    pub(crate) async fn append(
        &self,
        uow: &mut UnitOfWork,
        event_type: EventType,
        device_id: Option<&DeviceId>,
        cycle_id: Option<CycleId>,
        trace_id: Option<&str>,
        payload: serde_json::Value,
    ) -> Result<(), StorageError> {
        let now = self.clock.now();
        let event_id = EventId(self.ids.next(now));
        uow.append_event(
            Event {
                event_id,
                event_type,
                device_id,
                cycle_id,
                changed_by: None,
                trace_id,
                payload,
            },
            now,
        )
        .await
    }
}
