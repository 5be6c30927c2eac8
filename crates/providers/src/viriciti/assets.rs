//! The vehicles that a key may see.

use domain::polling::PollError;
use serde::Deserialize;

use crate::account::parse_page;
use crate::message::{deserialize_bounded_list, parse_external_id};
use crate::provider::ListedVehicle;

/// How many vehicles one answer may list: far more than any fleet has.
const MAX_VEHICLES: usize = 20_000;

#[derive(Deserialize)]
#[serde(transparent)]
struct Assets(
    #[serde(deserialize_with = "deserialize_bounded_list::<MAX_VEHICLES, _, _>")] Vec<Asset>,
);

/// A vehicle; real lists have some without an id or a name.
#[derive(Deserialize)]
struct Asset {
    vid: Option<String>,
    name: Option<String>,
}

/// Parses the list of vehicles. A vehicle without a usable id is left out: it cannot be configured either.
///
/// # Errors
/// When the answer is not of the protocol.
pub(super) fn parse(body: &[u8]) -> Result<Vec<ListedVehicle>, PollError> {
    let Assets(assets) = parse_page(body)?;
    let vehicles = assets.into_iter().filter_map(|Asset { vid, name }| {
        Some(ListedVehicle {
            external_id: parse_external_id(&vid?).ok()?,
            vin: None,
            name,
        })
    });
    Ok(vehicles.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vehicles_without_an_id_are_left_out() {
        let listed = parse(
            br#"[{"vid":"demo_001","name":"Bus 1401","fleet":"north"},{"vid":null,"name":"Bus 1402"},{"name":"x"},{"vid":"demo_003"}]"#,
        );
        let listed: Vec<_> = listed
            .expect("a list")
            .into_iter()
            .map(|vehicle| (vehicle.external_id.to_string(), vehicle.name))
            .collect();
        assert_eq!(
            listed,
            [
                ("demo_001".to_owned(), Some("Bus 1401".to_owned())),
                ("demo_003".to_owned(), None)
            ]
        );
        assert!(parse(br#"{"vid":"demo_001"}"#).is_err());
    }
}
