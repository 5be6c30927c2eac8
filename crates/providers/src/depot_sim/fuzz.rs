//! Whatever comes, the native protocol's readers neither fail nor make much of little.

use domain::fleet::ProviderType;
use domain::ids::ProviderId;
use proptest::prelude::*;

use super::client::Page;
use super::polling_task::take;
use crate::fuzz::{any_message, check, check_items, forwarded};
use crate::{Polled, interpret};

const WORDS: &[&str] = &[
    "id",
    "signals",
    "name",
    "value",
    "time",
    "vehicles",
    "next_page_token",
    "speed_kmh",
    "state_of_charge_percent",
    "position",
    "latitude_deg",
    "longitude_deg",
    "charging_state",
    "charging",
    "2026-11-23T08:00:00Z",
];
const VEHICLES: &[&str] = &[
    r#"{"id":"bus-1","signals":[{"name":"speed_kmh","value":31,"time":"2026-11-23T09:00:10.25+01:00"},{"name":"charging_state","value":"charging","time":"2026-11-23T08:00:00Z"}]}"#,
    r#"{"id":"bus-1","signals":[{"name":"position","value":{"latitude_deg":52.0907,"longitude_deg":5.1214},"time":"2026-11-23T08:00:00Z"},{"name":"warp","value":null,"time":""}]}"#,
];
const PAGES: &[&str] = &[
    r#"{"vehicles":[{"id":"bus-1","signals":[{"name":"speed_kmh","value":31,"time":"2026-11-23T08:00:10Z"}]},{"id":"bus-2","signals":[]}],"next_page_token":null}"#,
    r#"{"vehicles":[{"id":"bus-1","signals":[{"name":"state_of_charge_percent","value":100.4,"time":"2026-11-23T08:00:10Z"}]}],"next_page_token":"bus-1"}"#,
];

proptest! {
    #[test]
    fn a_message(message in any_message(WORDS, VEHICLES)) {
        for raw in forwarded(&message) {
            check(&interpret(ProviderType::DepotSim, &raw), raw.get().len())?;
        }
    }

    #[test]
    fn a_page(body in any_message(WORDS, PAGES)) {
        if let Ok(page) = Page::read(&body) {
            let mut polled = Polled::default();
            take(&page, &ProviderId::try_new("sim").expect("an id"), &mut polled);
            prop_assert!(polled.items.len() + polled.returned.len() <= body.len());
            check_items(&polled.items)?;
        }
    }
}
