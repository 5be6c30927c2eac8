//! The counts of the requests to an account, by which tests see how the account is polled.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;

/// The counts of the requests to one account since the account was added.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RequestCounts {
    /// The number of all requests, refused ones included.
    pub total: u64,
    /// The number of requests for a first page: one for each attempt at a poll.
    pub first_pages: u64,
    /// The number of requests that are being answered now.
    pub in_flight: u32,
    /// The largest number of requests that were ever in flight together.
    pub max_in_flight: u32,
}

/// The counter of the requests to an account. Clones share their counts.
#[derive(Clone, Debug, Default)]
pub(crate) struct RequestCounter(Arc<Mutex<RequestCounts>>);

/// A request in flight. Dropping the value ends the request, also when the caller has disconnected.
#[derive(Debug)]
pub(crate) struct InFlight(RequestCounter);

impl RequestCounter {
    /// Counts a request, which is in flight until the returned value is dropped.
    pub(crate) fn begin_request(&self, first_page: bool) -> InFlight {
        let mut counts = self.lock();
        counts.total += 1;
        counts.first_pages += u64::from(first_page);
        counts.in_flight += 1;
        counts.max_in_flight = counts.max_in_flight.max(counts.in_flight);
        InFlight(self.clone())
    }

    /// Returns the counts as they stand.
    pub(crate) fn counts(&self) -> RequestCounts {
        *self.lock()
    }

    fn lock(&self) -> MutexGuard<'_, RequestCounts> {
        // A panic cannot leave the counts half changed, so a poisoned lock is safe to use.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.lock().in_flight -= 1;
    }
}
