//! Polling: pages of vehicles become updates. A vehicle's readings that share a time are one update.

use std::collections::HashSet;

use domain::polling::{ErrorClass, FeedCursor, PollError};
use serde_json::value::RawValue;

use super::pages::{ChangesError, fetch_changes, fetch_vehicles};
use super::{CHANGES, vehicle};
use crate::account::{AccountClient, failure};
use crate::answer::{Coverage, FeedPosition, PollAnswer};
use crate::provider::ListedVehicle;

/// Asks for all vehicles of the account.
pub(super) async fn poll_all(
    client: &AccountClient<'_>,
    answer: &mut PollAnswer,
) -> Result<(), PollError> {
    let mut tokens = HashSet::new();
    let mut token: Option<String> = None;
    for number in 1..=client.max_pages() {
        let page = fetch_vehicles(client, token.as_deref()).await?;
        add_vehicles(&page.vehicles, answer);
        let Some(next) = page.next_page_token else {
            answer.coverage = Coverage::AllVehicles;
            return Ok(());
        };
        if !tokens.insert(next.clone()) {
            return Err(cursor_loop(number));
        }
        token = Some(next);
    }
    let detail = format!("the answer has more than {} pages", client.max_pages());
    Err(failure(ErrorClass::InvalidResponse, detail))
}

/// Asks for what has changed since a cursor. Without a cursor, or with one that the provider does not know any
/// more, it asks for everything. What does not fit into this poll, by pages or by time, is left to the next.
pub(super) async fn poll_changes(
    client: &AccountClient<'_>,
    cursor: Option<&FeedCursor>,
    answer: &mut PollAnswer,
) -> Result<(), PollError> {
    let (mut page, is_from_start) = match fetch_changes(client, cursor).await {
        Err(ChangesError::CursorForgotten(_)) => (fetch_changes(client, None).await?, true),
        fetched => (fetched?, cursor.is_none()),
    };
    let mut cursors = HashSet::new();
    for number in 1.. {
        add_vehicles(&page.vehicles, answer);
        let cursor = FeedCursor::try_new(&page.cursor).map_err(|invalid| {
            let detail = format!("the answer's cursor {invalid}");
            failure(ErrorClass::InvalidResponse, detail)
        })?;
        if page.more && !cursors.insert(cursor.clone()) {
            // A poll that went on from such a cursor would go round again.
            answer.positions.clear();
            return Err(cursor_loop(number));
        }
        // Kept page by page: what was read before a later page fails is not read again.
        answer.positions = vec![FeedPosition {
            feed: CHANGES,
            cursor: cursor.clone(),
            is_from_start,
        }];
        if !page.more {
            if is_from_start {
                answer.coverage = Coverage::AllVehicles;
            }
            break;
        }
        if number >= client.max_pages() || !client.has_time_for_another_page() {
            break;
        }
        page = fetch_changes(client, Some(&cursor)).await?;
    }
    Ok(())
}

/// Lists the vehicles of the account, with their names in polls alone: the protocol has no others.
pub(super) async fn list_vehicles(
    client: &AccountClient<'_>,
) -> Result<Vec<ListedVehicle>, PollError> {
    let page = fetch_vehicles(client, None).await?;
    let vehicles = page.vehicles.iter().filter_map(|json| {
        // A vehicle without a readable name cannot be told apart from others.
        let (external_id, _) = vehicle::parse(json.get()).ok()?;
        Some(ListedVehicle {
            external_id,
            vin: None,
            name: None,
        })
    });
    Ok(vehicles.collect())
}

fn cursor_loop(pages: usize) -> PollError {
    let detail = format!("the pages go in a circle after {pages} of them");
    failure(ErrorClass::CursorLoop, detail)
}

/// Adds a page's vehicles to the answer. A vehicle that cannot be read is an item of its own.
pub(super) fn add_vehicles(vehicles: &[Box<RawValue>], answer: &mut PollAnswer) {
    for json in vehicles {
        match vehicle::parse(json.get()) {
            Ok((external_id, readings)) => answer.add_vehicle(external_id, readings),
            Err(malformed) => answer.add_malformed(malformed.detail),
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::acceptance::Item;
    use domain::ids::ProviderId;

    use super::*;

    fn answer_of(vehicle: &serde_json::Value) -> PollAnswer {
        let json = RawValue::from_string(vehicle.to_string()).expect("JSON");
        let mut answer = PollAnswer::new(ProviderId::try_new("sim").expect("an id"));
        add_vehicles(&[json], &mut answer);
        answer
    }

    #[test]
    fn a_vehicle_without_signals_is_returned_and_brings_nothing() {
        let answer = answer_of(&serde_json::json!({"id": "bus-1", "signals": []}));
        assert!(answer.items.is_empty());
        assert!(answer.returned.iter().any(|id| id.as_str() == "bus-1"));
    }

    #[test]
    fn what_is_no_vehicle_is_malformed() {
        for vehicle in [
            serde_json::json!(null),
            serde_json::json!(["bus-1", []]),
            serde_json::json!({"id": 7, "signals": []}),
            serde_json::json!({"id": "\n", "signals": []}),
        ] {
            assert!(matches!(
                answer_of(&vehicle).items[..],
                [Item::Malformed { .. }]
            ));
        }
    }
}
