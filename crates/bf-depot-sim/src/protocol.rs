//! The JSON bodies of the native provider protocol. The crate documentation describes the endpoints.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// The largest number of vehicles on one page, and the number where none is asked for.
pub const MAX_PAGE_SIZE: usize = 100;

/// A signal's native name, in snake case on the wire. The crate documentation lists units and ranges.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(
    missing_docs,
    reason = "each is described in the crate's table of signals"
)]
pub enum SignalName {
    StateOfChargePercent,
    StateOfHealthPercent,
    EnergyRemainingKwh,
    EnergyUsedKwh,
    BatteryPowerKw,
    ChargingState,
    PluggedIn,
    RangeKm,
    OdometerKm,
    SpeedKmh,
    Position,
    HeadingDeg,
    IgnitionOn,
    AmbientTemperatureCelsius,
    BatteryTemperatureCelsius,
}

impl SignalName {
    /// All signals, in the order in which an answer lists them.
    pub const ALL: [Self; 15] = [
        Self::StateOfChargePercent,
        Self::StateOfHealthPercent,
        Self::EnergyRemainingKwh,
        Self::EnergyUsedKwh,
        Self::BatteryPowerKw,
        Self::ChargingState,
        Self::PluggedIn,
        Self::RangeKm,
        Self::OdometerKm,
        Self::SpeedKmh,
        Self::Position,
        Self::HeadingDeg,
        Self::IgnitionOn,
        Self::AmbientTemperatureCelsius,
        Self::BatteryTemperatureCelsius,
    ];
}

/// Whether the vehicle is charging.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChargingState {
    /// The charging cable is not plugged in.
    NotCharging,
    /// The charging cable is plugged in and energy flows into the battery.
    Charging,
    /// The charging cable is plugged in and the battery is charged to the operator's limit.
    Complete,
}

/// A point on the earth, in WGS 84.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct GeoPoint {
    /// Degrees of latitude, positive in the north.
    pub latitude_deg: f64,
    /// Degrees of longitude, positive in the east.
    pub longitude_deg: f64,
}

/// A signal's value: a JSON number, boolean, string or `{"latitude_deg","longitude_deg"}`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum NativeValue {
    /// A finite number.
    Number(f64),
    /// A boolean.
    Flag(bool),
    /// The text `not_charging`, `charging` or `complete`.
    ChargingState(ChargingState),
    /// An object of both coordinates.
    Position(GeoPoint),
}

/// One value of one signal.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct SimulatedReading {
    /// The signal's name.
    pub name: SignalName,
    /// The value, in the unit that the signal's name ends with.
    pub value: NativeValue,
    /// The wall clock when the vehicle emitted the value.
    pub time: DateTime<Utc>,
}

/// One vehicle of an answer, with its readings.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct VehicleReadings {
    /// The vehicle's external id, unique within an account.
    pub id: String,
    /// At most one reading for each signal; empty while the vehicle has not reported yet.
    pub signals: Vec<SimulatedReading>,
}

/// The answer to `GET {base}/vehicles`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct VehiclePage {
    /// The vehicles of this page, ordered by id.
    pub vehicles: Vec<VehicleReadings>,
    /// The opaque token of the next page; null on the last page.
    pub next_page_token: Option<String>,
}

/// The answer to `GET {base}/changes`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SimulatedChanges {
    /// The vehicles that have reported since the cursor, ordered by id, with their newer readings only. A
    /// request without a cursor gets all vehicles with all readings.
    pub vehicles: Vec<VehicleReadings>,
    /// The opaque cursor of the next request, good at once or at any later time.
    pub cursor: String,
    /// Whether the next request would return further vehicles right now.
    pub more: bool,
}

/// The body of every error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ErrorBody {
    /// The error's code and message.
    pub error: ErrorDetail,
}

/// An error's code for programs and its sentence for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ErrorDetail {
    /// `bad_request`, `credentials_rejected`, `unknown_account`, `cursor_gone`, `not_found`,
    /// `method_not_allowed`, `rate_limited` or `unavailable`.
    pub code: &'static str,
    /// A sentence that says what was wrong.
    pub message: String,
}
