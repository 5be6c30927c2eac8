//! From the wire to updates: readings of one vehicle that share a time are one update.

use std::collections::HashSet;

use domain::acceptance::Item;
use domain::ids::ProviderId;
use domain::polling::ErrorClass;
use serde_json::value::RawValue;

use super::client::{Page, page};
use super::vehicle;
use crate::Polled;
use crate::fetch::{FetchError, failure};
use crate::session::Session;

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
        take(&page, provider_id, &mut polled);
        let Some(next) = page.next_page_token else {
            return Ok((polled, attempts));
        };
        if !tokens.insert(next.clone()) {
            let error = failure(
                ErrorClass::CursorLoop,
                format!("the pages go in a circle after {number} of them"),
            );
            return Err(FetchError { error, attempts });
        }
        token = Some(next);
    }
    let error = failure(
        ErrorClass::InvalidResponse,
        format!("the answer has more than {} pages", session.limits.pages),
    );
    Err(FetchError { error, attempts })
}

/// Takes a page's vehicles.
pub(super) fn take(page: &Page, provider_id: &ProviderId, polled: &mut Polled) {
    for vehicle in &page.vehicles {
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
