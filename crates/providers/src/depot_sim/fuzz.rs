//! No message makes the native protocol's parsers panic, or hold more than it has bytes.

use domain::fleet::ProviderType;
use domain::ids::ProviderId;
use proptest::prelude::*;

use super::pages::VehiclesPage;
use super::poll::add_vehicles;
use crate::account::parse_page;
use crate::fuzz::{any_message, check_interpretation, check_items, forward};
use crate::{PollAnswer, ProviderRegistry};

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
    fn any_message_is_interpreted_within_bounds(message in any_message(WORDS, VEHICLES)) {
        for raw in forward(&message) {
            let interpretation = ProviderRegistry::default().interpret(ProviderType::DepotSim, &raw);
            check_interpretation(&interpretation, raw.get().len())?;
        }
    }

    #[test]
    fn any_page_is_read_within_bounds(body in any_message(WORDS, PAGES)) {
        if let Ok(page) = parse_page::<VehiclesPage>(&body) {
            let mut answer = PollAnswer::new(ProviderId::try_new("sim").expect("an id"));
            add_vehicles(&page.vehicles, &mut answer);
            prop_assert!(answer.items.len() + answer.returned.len() <= body.len());
            check_items(&answer.items)?;
        }
    }
}
