//! The answer of a poll, filled part by part.

use std::collections::HashSet;

use domain::acceptance::Item;
use domain::ids::{ExternalId, ProviderId};
use domain::polling::{Feed, FeedCursor, PollError};

use crate::message::ProviderReading;

/// What came of a poll so far.
#[derive(Debug)]
pub struct PollAnswer {
    provider_id: ProviderId,
    /// Updates, oldest first for each device, and what could not be read.
    pub items: Vec<Item>,
    /// The vehicles that the answer named.
    pub returned: HashSet<ExternalId>,
    /// What the answer tells of vehicles that it did not name.
    pub coverage: Coverage,
    /// How far each feed was read. A position counts once what it covers is committed.
    pub positions: Vec<FeedPosition>,
}

/// What an answer tells of the vehicles that it does not name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Coverage {
    /// Nothing: the answer speaks of what has changed, or it is not complete.
    #[default]
    NamedVehicles,
    /// That the account does not have them: the answer names every vehicle that was to be had.
    AllVehicles,
}

/// How far a feed was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedPosition {
    /// The feed that was read.
    pub feed: Feed,
    /// The cursor that the provider handed out with the last page that was read.
    pub cursor: FeedCursor,
    /// Whether this poll read the feed from its start, and did not go on from a cursor.
    pub is_from_start: bool,
}

/// How a poll ended. An answer and a failure may come together: then the poll failed after a part of the
/// answer had come.
#[derive(Debug)]
pub struct PollResult {
    /// What came.
    pub answer: PollAnswer,
    /// Why the rest did not come; `None` for a complete answer.
    pub failure: Option<PollError>,
    /// Requests of the most-tried page.
    pub attempts: u32,
}

impl PollAnswer {
    /// Makes the answer of a connection in which nothing has come yet.
    pub fn new(provider_id: ProviderId) -> Self {
        Self {
            provider_id,
            items: Vec::new(),
            returned: HashSet::new(),
            coverage: Coverage::default(),
            positions: Vec::new(),
        }
    }

    /// Adds what was read of one vehicle: one update a reading.
    pub fn add_vehicle(
        &mut self,
        external_id: ExternalId,
        readings: impl IntoIterator<Item = ProviderReading>,
    ) {
        let updates = readings.into_iter();
        let updates = updates.map(|reading| Item::Update(reading.into_update(&self.provider_id)));
        self.items.extend(updates);
        self.returned.insert(external_id);
    }

    /// Adds a part of the answer that could not be read. `detail` says which part, for people.
    pub fn add_malformed(&mut self, detail: String) {
        self.items.push(Item::Malformed {
            pointer: String::new(),
            detail,
        });
    }

    /// Returns whether nothing has come: no vehicle, no unreadable part and no position.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty() && self.returned.is_empty() && self.positions.is_empty()
    }
}
