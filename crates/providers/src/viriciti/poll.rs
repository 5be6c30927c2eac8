//! Polling: the provider is asked for each of a connection's devices by name.

use domain::ids::ExternalId;
use domain::polling::PollError;

use super::requests::fetch_state;
use super::state::add_vehicles;
use crate::account::{AccountClient, unreadable};
use crate::answer::{Coverage, PollAnswer};

/// Vehicles a request. The provider names no limit of its own; the answer of so many is far from the cap on a
/// page, and the question from what a server takes.
const VEHICLES_A_REQUEST: usize = 250;

/// Asks for the state of a connection's devices, some at a time. A connection without devices is not asked.
pub(super) async fn poll_state(
    client: &AccountClient<'_>,
    devices: &[ExternalId],
    answer: &mut PollAnswer,
) -> Result<(), PollError> {
    // However many devices there are, they fit into the pages that a poll may have.
    let part_size = VEHICLES_A_REQUEST.max(devices.len().div_ceil(client.max_pages().max(1)));
    for part in devices.chunks(part_size) {
        let body = fetch_state(client, part).await?;
        add_vehicles(&body, part, answer).map_err(|error| unreadable(&error))?;
    }
    answer.coverage = Coverage::AllVehicles;
    Ok(())
}
