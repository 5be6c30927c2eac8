//! From the wire to updates: readings of one vehicle that share a time are one update.

use std::collections::HashSet;

use domain::acceptance::Item;
use domain::ids::ProviderId;
use domain::polling::{ErrorClass, FeedCursor, Reach};
use serde_json::value::RawValue;

use super::client::{changes, is_forgotten, page};
use super::vehicle;
use crate::fetch::{FetchError, failure};
use crate::session::Session;
use crate::{FeedPosition, Polled};

/// Asks for all vehicles of the account; with the requests of the most-tried page.
pub(crate) async fn poll(
    session: &Session<'_>,
    provider_id: &ProviderId,
) -> Result<(Polled, u32), FetchError> {
    let mut polled = Polled::default();
    let mut attempts = 0;
    let mut tokens = HashSet::new();
    let mut token: Option<String> = None;
    for number in 1..=session.limits.pages {
        let (page, tried) = page(session, token.as_deref()).await?;
        attempts = attempts.max(tried);
        take(&page.vehicles, provider_id, &mut polled);
        let Some(next) = page.next_page_token else {
            return Ok((polled, attempts));
        };
        if !tokens.insert(next.clone()) {
            return Err(in_a_circle(number, attempts));
        }
        token = Some(next);
    }
    let error = failure(
        ErrorClass::InvalidResponse,
        format!("the answer has more than {} pages", session.limits.pages),
    );
    Err(FetchError::new(error, attempts))
}

/// Asks for what has changed since a cursor, or for everything without one; also where the provider knows
/// the cursor no more. What does not fit into this poll, by pages or by time, is for the next to go on with.
pub(crate) async fn poll_changes(
    session: &Session<'_>,
    provider_id: &ProviderId,
    from: Option<&FeedCursor>,
) -> Result<(Polled, u32), FetchError> {
    let mut polled = Polled::default();
    let (mut page, mut attempts, starts_over) = match changes(session, from).await {
        Err(failed) if from.is_some() && is_forgotten(&failed) => {
            let (page, tried) = changes(session, None).await?;
            (page, tried.max(failed.attempts), true)
        }
        first => first.map(|(page, tried)| (page, tried, from.is_none()))?,
    };
    let mut cursors = HashSet::new();
    for number in 1.. {
        take(&page.vehicles, provider_id, &mut polled);
        let cursor = FeedCursor::try_new(&page.cursor).map_err(|invalid| {
            let detail = format!("the answer's cursor {invalid}");
            FetchError::new(failure(ErrorClass::InvalidResponse, detail), attempts)
        })?;
        if page.more && !cursors.insert(cursor.clone()) {
            return Err(in_a_circle(number, attempts));
        }
        if !page.more || number >= session.limits.pages || !session.has_time() {
            let reach = match (starts_over, page.more) {
                (true, false) => Reach::Everything,
                (true, true) => Reach::Beginning,
                (false, _) => Reach::Changes,
            };
            polled.position = Some(FeedPosition { cursor, reach });
            break;
        }
        let tried;
        (page, tried) = changes(session, Some(&cursor)).await?;
        attempts = attempts.max(tried);
    }
    Ok((polled, attempts))
}

fn in_a_circle(pages: usize, attempts: u32) -> FetchError {
    let detail = format!("the pages go in a circle after {pages} of them");
    FetchError::new(failure(ErrorClass::CursorLoop, detail), attempts)
}

/// Takes a page's vehicles.
pub(super) fn take(vehicles: &[Box<RawValue>], provider_id: &ProviderId, polled: &mut Polled) {
    for vehicle in vehicles {
        take_vehicle(vehicle, provider_id, polled);
    }
}

/// Reads one vehicle; what cannot be read is an item of its own.
fn take_vehicle(json: &RawValue, provider_id: &ProviderId, polled: &mut Polled) {
    match vehicle::read(json.get()) {
        Ok((external_id, readings)) => {
            polled.items.extend(
                readings
                    .into_iter()
                    .map(|reading| Item::Update(reading.into_update(provider_id))),
            );
            polled.returned.insert(external_id);
        }
        Err(unclear) => polled.items.push(Item::Malformed {
            pointer: String::new(),
            detail: unclear.detail,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(vehicle: &serde_json::Value) -> Polled {
        let json = RawValue::from_string(vehicle.to_string()).expect("JSON");
        let mut polled = Polled::default();
        take_vehicle(
            &json,
            &ProviderId::try_new("sim").expect("an id"),
            &mut polled,
        );
        polled
    }

    #[test]
    fn a_vehicle_without_signals_is_returned_and_brings_nothing() {
        let polled = taken(&serde_json::json!({"id": "bus-1", "signals": []}));
        assert!(polled.items.is_empty());
        assert!(polled.returned.iter().any(|id| id.as_str() == "bus-1"));
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
                taken(&vehicle).items[..],
                [Item::Malformed { .. }]
            ));
        }
    }
}
