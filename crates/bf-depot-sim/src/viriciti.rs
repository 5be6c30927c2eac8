//! ViriCiti's form of the simulated vehicles: labels, each with its last value and the value's time in
//! Unix milliseconds.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::protocol::{NativeValue, SignalName, SimulatedReading, VehicleReadings};

/// The last value of a label, with its time.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SimulatedLabel {
    /// The value, in the unit of the label.
    pub value: ValueOfLabel,
    /// When the vehicle emitted the value, in Unix milliseconds.
    pub time: i64,
}

/// A label's value as ViriCiti writes it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum ValueOfLabel {
    /// The value of every label but `gps`.
    Number(f64),
    /// The text `latitude|longitude`.
    Position(String),
}

/// A frame of ViriCiti's live websocket, which carries one label of one vehicle.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SimulatedFrame {
    /// ViriCiti's domain of the frame, which is always `vehicles` here.
    #[serde(rename = "type")]
    pub domain: &'static str,
    /// The vehicle, the label and its value.
    pub payload: FramePayload,
}

/// The content of a frame: one label's value of one vehicle.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FramePayload {
    /// The vehicle's id.
    pub vid: String,
    /// The label's name.
    pub label: &'static str,
    /// The label's value and time, written beside the other members.
    #[serde(flatten)]
    pub last: SimulatedLabel,
}

/// Returns the frames that carry a vehicle's last report.
pub fn frames(vehicle: &VehicleReadings) -> impl Iterator<Item = SimulatedFrame> {
    vehicle.signals.iter().filter_map(|reading| {
        let (label, last) = label_of(reading)?;
        let payload = FramePayload {
            vid: vehicle.id.clone(),
            label,
            last,
        };
        Some(SimulatedFrame {
            domain: "vehicles",
            payload,
        })
    })
}

/// Returns the last values of the labels that were asked for, `None` for labels that the vehicle lacks.
pub(crate) fn state(
    vehicle: &VehicleReadings,
    asked: Vec<String>,
) -> BTreeMap<String, Option<SimulatedLabel>> {
    let mut known: BTreeMap<_, _> = vehicle.signals.iter().filter_map(label_of).collect();
    asked
        .into_iter()
        .map(|label| {
            let last = known.remove(label.as_str());
            (label, last)
        })
        .collect()
}

/// Returns the label and the value of a reading, or `None` if ViriCiti has no label for its signal.
fn label_of(reading: &SimulatedReading) -> Option<(&'static str, SimulatedLabel)> {
    let (label, value) = match (reading.name, reading.value) {
        (SignalName::StateOfChargePercent, NativeValue::Number(percent)) => {
            ("soc", ValueOfLabel::Number(percent))
        }
        (SignalName::OdometerKm, NativeValue::Number(km)) => ("odo", ValueOfLabel::Number(km)),
        (SignalName::SpeedKmh, NativeValue::Number(kmh)) => ("speed", ValueOfLabel::Number(kmh)),
        (SignalName::RangeKm, NativeValue::Number(km)) => ("range", ValueOfLabel::Number(km)),
        // ViriCiti's power is positive out of the battery. Adding zero turns -0.0 into 0.0.
        (SignalName::BatteryPowerKw, NativeValue::Number(kw)) => {
            ("power", ValueOfLabel::Number(-kw + 0.0))
        }
        (SignalName::Position, NativeValue::Position(position)) => (
            "gps",
            ValueOfLabel::Position(format!(
                "{}|{}",
                position.latitude_deg, position.longitude_deg
            )),
        ),
        _ => return None,
    };
    let time = reading.time.timestamp_millis();
    Some((label, SimulatedLabel { value, time }))
}
