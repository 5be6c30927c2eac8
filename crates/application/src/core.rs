//! The dependencies that every use case is given: store, clock, ids, rules and providers.

use std::sync::Arc;

use chrono::TimeDelta;
use clock::Clock;
use domain::events::EventType;
use domain::ids::{CycleId, DeviceId, EventId, IdSource};
use domain::polling::Breaker;
use persistence::history::Event;
use persistence::{StorageError, Store, UnitOfWork};
use providers::ProviderRegistry;

/// The dependencies of the use cases. A clone is cheap: its members are shared.
#[derive(Clone, Debug)]
pub struct Core {
    /// The access to the database.
    pub store: Store,
    /// The clock that all times are taken from; a test sets it by hand.
    pub clock: Clock,
    /// The source of new ids.
    pub ids: Arc<IdSource>,
    /// The rules that hold for the whole deployment.
    pub rules: Rules,
    /// The providers whose connections can be configured and whose messages can be interpreted.
    pub provider_registry: ProviderRegistry,
}

/// The rules that a deployment decides for all of its workspaces.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// How far a provider's clock may be ahead of core's.
    pub future_tolerance: TimeDelta,
    /// How late a trigger may fire after its slot: 60 s for EventBridge, 0 for the in-process scheduler.
    pub trigger_precision: TimeDelta,
    /// The circuit breaker, which pauses the polls of a connection that keeps failing.
    pub breaker: Breaker,
    /// How long events are kept, in whole days. The sweep drops older events.
    pub event_retention: TimeDelta,
    /// How long the records of poll cycles and sweeps are kept. The sweep removes older records.
    pub cycle_retention: TimeDelta,
    /// How long provider envelopes are kept with their raw messages, in whole days. An envelope that is sent again
    /// within this time is recognised.
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

/// The person or machine that asks for a change, with the trace of the request.
#[derive(Clone, Copy, Debug)]
pub struct Author<'a> {
    /// The stable name that records carry: a person's subject or a machine's client id.
    pub id: &'a str,
    /// The W3C trace id of the request.
    pub trace_id: Option<&'a str>,
}

impl Core {
    /// Checks that the database answers.
    ///
    /// # Errors
    /// [`StorageError`] if the database does not answer.
    pub async fn check_database(&self) -> Result<(), StorageError> {
        self.store.ping().await
    }

    /// Appends an event that has no author, so that the audit does not list it.
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
