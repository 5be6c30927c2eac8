//! The native provider protocol: what goes over the wire. See the crate documentation for the whole.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// The most vehicles on one page; also the default.
pub const MAX_PAGE_SIZE: usize = 100;

/// A signal's native name; snake case on the wire. Unit and range are in the crate documentation.
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
    /// All signals, in the order of an answer.
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

/// What the charger does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChargingState {
    /// Not plugged in.
    NotCharging,
    /// Energy flows.
    Charging,
    /// Plugged in, at the operator's limit.
    Complete,
}

/// A point on the earth, WGS 84.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Position {
    /// North is positive.
    pub latitude_deg: f64,
    /// East is positive.
    pub longitude_deg: f64,
}

/// A signal's value: a JSON number, boolean, string or `{"latitude_deg","longitude_deg"}`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum SignalValue {
    /// Finite.
    Number(f64),
    /// Yes or no.
    Flag(bool),
    /// `not_charging`, `charging` or `complete`.
    ChargingState(ChargingState),
    /// Both coordinates, always together.
    Position(Position),
}

/// One value of one signal.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Reading {
    /// Which signal.
    pub name: SignalName,
    /// In the unit of its name.
    pub value: SignalValue,
    /// The wall clock when the vehicle emitted it.
    pub time: DateTime<Utc>,
}

/// One vehicle of an answer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct VehicleReadings {
    /// The external id: unique within an account.
    pub id: String,
    /// At most one reading a signal; empty when nothing was reported yet.
    pub signals: Vec<Reading>,
}

/// The answer to `GET {base}/vehicles`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct VehiclePage {
    /// In the order of their ids.
    pub vehicles: Vec<VehicleReadings>,
    /// Opaque; null on the last page.
    pub next_page_token: Option<String>,
}

/// The answer to `GET {base}/changes`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ChangesPage {
    /// In the order of their ids: those that have reported since the cursor, with what they reported
    /// since; without a cursor all of them, with all of it.
    pub vehicles: Vec<VehicleReadings>,
    /// Opaque: where to go on, at once or at any later time.
    pub cursor: String,
    /// Whether there is more right now.
    pub more: bool,
}

/// Every error's body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ErrorBody {
    /// The error itself.
    pub error: ErrorDetail,
}

/// A code for programs and a sentence for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ErrorDetail {
    /// `bad_request`, `credentials_rejected`, `unknown_account`, `cursor_gone`, `not_found`,
    /// `method_not_allowed`, `rate_limited` or `unavailable`.
    pub code: &'static str,
    /// What was wrong.
    pub message: String,
}
