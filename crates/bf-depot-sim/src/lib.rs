//! A simulated telematics provider: electric buses and trucks that drive and charge, or a recorded drive,
//! behind a provider's HTTP interface, with faults on demand.
//!
//! A [`Scenario`] describes the accounts and vehicles, [`Simulator::new`] starts them, [`Simulator::serve`]
//! (or [`Simulator::router`]) serves them over HTTP. The program `bf-depot-sim` does these three steps.
//!
//! # The provider protocol
//!
//! Each provider connection has one *account*, whose base URL is `http://host:port/accounts/{account}`.
//!
//! `GET {base}/vehicles?page_size=2&page_token=…` with `Authorization: Bearer <account key>`:
//!
//! ```json
//! {"vehicles":[
//!   {"id":"vehicle-001","signals":[
//!     {"name":"state_of_charge_percent","value":71.5,"time":"2026-11-23T08:00:00.250Z"},
//!     {"name":"charging_state","value":"not_charging","time":"2026-11-23T08:00:00.250Z"},
//!     {"name":"position","value":{"latitude_deg":52.0907,"longitude_deg":5.1214},"time":"2026-11-23T08:00:00.250Z"}]}],
//!  "next_page_token":"vehicle-001"}
//! ```
//!
//! - A page lists `page_size` vehicles (1 to 100, default 100), ordered by id. A page token is opaque; the
//!   caller sends it back unchanged, percent-encoded. The token of the last page is null.
//! - A vehicle's readings are those of its last report at or before now: at most one for each signal. Every
//!   reading has its own `time`: RFC 3339, UTC with `Z`, up to six fraction digits, the *wall clock* when the
//!   reading was emitted, at any speed. A signal that a vehicle does not have is absent.
//! - A simulated vehicle reports every ten seconds while driving and every minute otherwise, each time
//!   with a new time. State of health and the temperatures come every minute in any case.
//!
//! `GET {base}/changes?page_size=2&cursor=…` returns the same readings as a feed: without a cursor all
//! vehicles with all readings, with a cursor only what was reported since.
//!
//! ```json
//! {"vehicles":[{"id":"vehicle-001","signals":[{"name":"speed_kmh","value":31,"time":"2026-11-23T08:00:10.25Z"}]}],
//!  "cursor":"…","more":false}
//! ```
//!
//! - Each page has an opaque cursor for the next request, which may follow at once (if `more`) or at any
//!   later time. A cursor may be used again: the answer holds the same changes and those since.
//! - A vehicle that was removed from the account is absent; the feed does not say that it was removed.
//! - The answer is 410 for a cursor from before the account was replaced: the caller reads without one.
//!
//! | name | value | |
//! |---|---|---|
//! | `state_of_charge_percent` | 0..100 | |
//! | `state_of_health_percent` | 0..100 | of the capacity as built |
//! | `energy_remaining_kwh` | kWh | in the battery |
//! | `energy_used_kwh` | kWh | a counter of what driving drew from the battery |
//! | `battery_power_kw` | kW | positive into the battery: charging, and braking |
//! | `charging_state` | `not_charging`, `charging`, `complete` | |
//! | `plugged_in` | true or false | |
//! | `range_km` | km | |
//! | `odometer_km` | km | |
//! | `speed_kmh` | km/h | |
//! | `position` | `{"latitude_deg","longitude_deg"}` | WGS 84 |
//! | `heading_deg` | 0..360 | clockwise from north |
//! | `ignition_on` | true or false | |
//! | `ambient_temperature_celsius` | °C | |
//! | `battery_temperature_celsius` | °C | |
//!
//! Errors are `{"error":{"code":"…","message":"…"}}`:
//!
//! | status | code | |
//! |---|---|---|
//! | 400 | `bad_request` | page size out of range, malformed cursor |
//! | 401 | `credentials_rejected` | key missing or wrong |
//! | 404 | `unknown_account`, `not_found` | |
//! | 405 | `method_not_allowed` | |
//! | 410 | `cursor_gone` | a cursor from before the account was replaced |
//! | 429 | `rate_limited` | with `Retry-After` in seconds |
//! | 503 | `unavailable` | |
//!
//! # ViriCiti
//!
//! The same accounts and vehicles, faults included, also answer by ViriCiti's protocol at the same base URL.
//!
//! The request is `POST {base}/api/v2/state` with the account key in the header `x-api-key` or the query
//! parameter `apiKey`. Its body names the labels that are asked for, by vehicle:
//!
//! ```json
//! {"vehicle-001":["soc","gps","voltage"],"vehicle-999":["soc"]}
//! ```
//!
//! The answer holds the labels' last values, a number or `latitude|longitude`, with the time in Unix
//! milliseconds. A label without a value is null; a vehicle that the account does not have is absent:
//!
//! ```json
//! {"vehicle-001":{"gps":{"value":"52.0907|5.1214","time":1795420800250},"soc":{"value":71.5,"time":1795420800250},"voltage":null}}
//! ```
//!
//! Labels are `soc` (%), `odo` (km), `gps`, `speed` (km/h), `power` (kW, positive *out of* the battery) and
//! `range` (km). [`viriciti::frames`] returns what ViriCiti's live websocket would send.
//!
//! # Faults on demand
//!
//! | | body | answer |
//! |---|---|---|
//! | `GET /control/accounts` | | 200 `{"accounts":[{"name","fault","vehicles":[{"id","behaviour"}],"requests":{"total","first_pages","in_flight","max_in_flight"}}]}` |
//! | `PUT /control/accounts/{account}` | `{"key":"…","fault":null,"vehicles":[{"id":"vehicle-001"}]}` | 204, added or replaced |
//! | `PUT /control/accounts/{account}/fault` | a [`Fault`]: `{"kind":"unavailable"}` | 204 |
//! | `DELETE /control/accounts/{account}/fault` | | 204 |
//! | `PUT /control/accounts/{account}/vehicles/{id}` | a [`Behaviour`]: `{"kind":"omitted"}` | 204, or 201 when the vehicle is new |
//!
//! The kinds of faults: `unavailable`, `credentials_rejected`, `rate_limited` (`retry_after_seconds`),
//! `hang`, `late` (`minutes`), `garbage`, `flapping_unavailable` (`up_seconds`, `down_seconds`). The kinds
//! of behaviours: `reporting`, `silent_since` (`at`), `omitted`, `frozen` (`at`), `without_signals`
//! (`signals`). These endpoints ask for no key: serve them only where every caller may change the simulation.
//! The same operations in Rust: [`Simulator::accounts`], [`Simulator::put_account`], [`Simulator::set_fault`],
//! [`Simulator::clear_fault`], [`Simulator::set_behaviour`].
//!
//! # Time
//!
//! Virtual time is start + (now − start) × speed. Virtual time decides where vehicles are, and is in no
//! answer. At speed 1 it is the wall clock, so a restarted simulator continues where it was. At other speeds
//! a restart sets virtual time, and with it the vehicles' counters, back to the wall clock.

mod account;
mod behaviour;
mod control;
mod cursor;
mod fault;
pub mod protocol;
mod replay;
mod requests;
mod routes;
mod scenario;
mod simulator;
pub mod viriciti;
pub mod world;

pub use behaviour::Behaviour;
pub use control::{AccountStatus, Placed};
pub use fault::Fault;
pub use protocol::{NativeValue, SignalName, SimulatedReading, VehicleReadings};
pub use replay::{Recording, RecordingError};
pub use requests::RequestCounts;
pub use scenario::{Account, REPLAY_VEHICLE, Scenario, VehicleSpec};
pub use simulator::{Simulator, SimulatorSettings, UnknownAccount};
pub use world::{Speed, SpeedError};
