//! How an account is polled: counted for those who poll it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;

/// Requests to one account since the simulator got it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RequestCounts {
    /// All requests, refused ones too.
    pub total: u64,
    /// Requests for a first page: one for each attempt at a poll.
    pub first_pages: u64,
    /// Being answered now.
    pub in_flight: u32,
    /// The most that were ever in flight together.
    pub max_in_flight: u32,
}

/// Counts the requests to an account.
#[derive(Clone, Debug, Default)]
pub(crate) struct RequestCounter(Arc<Mutex<RequestCounts>>);

/// A request being answered: until dropped, also when the caller gives up.
#[derive(Debug)]
pub(crate) struct InFlight(RequestCounter);

impl RequestCounter {
    /// Counts a request.
    pub(crate) fn enter(&self, first_page: bool) -> InFlight {
        let mut counts = self.lock();
        counts.total += 1;
        counts.first_pages += u64::from(first_page);
        counts.in_flight += 1;
        counts.max_in_flight = counts.max_in_flight.max(counts.in_flight);
        InFlight(self.clone())
    }

    /// The counts as they stand.
    pub(crate) fn counts(&self) -> RequestCounts {
        *self.lock()
    }

    fn lock(&self) -> MutexGuard<'_, RequestCounts> {
        // Numbers are never left half changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.lock().in_flight -= 1;
    }
}
