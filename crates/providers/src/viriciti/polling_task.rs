//! From a connection's devices to updates: the provider is asked for each of them by name.

use domain::ids::{ExternalId, ProviderId};

use super::client::state;
use super::state::take;
use crate::Polled;
use crate::fetch::FetchError;
use crate::session::{Session, unreadable};

/// Vehicles a request. The provider names no limit of its own; their answer is far from the cap on a
/// page, and the question from what a server takes.
const VEHICLES_A_REQUEST: usize = 250;

/// Asks for the devices of a connection; with the requests of the most-tried part. A connection without
/// devices is not asked.
pub(crate) async fn poll(
    session: &Session<'_>,
    provider_id: &ProviderId,
    vehicles: &[ExternalId],
) -> Result<(Polled, u32), FetchError> {
    let mut polled = Polled::default();
    let mut attempts = 0;
    // However many there are, they fit into the pages that a poll may have.
    let part = VEHICLES_A_REQUEST.max(vehicles.len().div_ceil(session.limits.pages.max(1)));
    for asked in vehicles.chunks(part) {
        let fetched = state(session, asked).await?;
        attempts = attempts.max(fetched.attempts);
        take(&fetched.body, asked, provider_id, &mut polled).map_err(|error| FetchError {
            error: unreadable(&error),
            attempts,
        })?;
    }
    Ok((polled, attempts))
}
