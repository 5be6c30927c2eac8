//! The same vehicles as ViriCiti shows them: by labels, each with its last value and its time in
//! milliseconds.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::protocol::{Reading, SignalName, SignalValue, VehicleReadings};

/// A label's last value.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LabelValue {
    /// In the unit of its label.
    pub value: ValueOfLabel,
    /// When the vehicle emitted it: Unix milliseconds.
    pub time: i64,
}

/// How the value of a label is written.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum ValueOfLabel {
    /// Everything but positions.
    Number(f64),
    /// `latitude|longitude`.
    Position(String),
}

/// What the live websocket sends of a vehicle: one label a frame.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Frame {
    /// The domain: always `vehicles` here.
    #[serde(rename = "type")]
    pub domain: &'static str,
    /// The reading.
    pub payload: FramePayload,
}

/// One label's value of one vehicle.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FramePayload {
    /// The vehicle.
    pub vid: String,
    /// Which label.
    pub label: &'static str,
    /// Its value and time, beside the other members.
    #[serde(flatten)]
    pub last: LabelValue,
}

/// A vehicle's last report as the frames that it was sent in.
pub fn frames(vehicle: &VehicleReadings) -> impl Iterator<Item = Frame> {
    vehicle.signals.iter().filter_map(|reading| {
        let (label, last) = labelled(reading)?;
        let payload = FramePayload {
            vid: vehicle.id.clone(),
            label,
            last,
        };
        Some(Frame {
            domain: "vehicles",
            payload,
        })
    })
}

/// What is known of the labels that were asked for; nothing of those that the vehicle does not have.
pub(crate) fn state(
    vehicle: &VehicleReadings,
    asked: Vec<String>,
) -> BTreeMap<String, Option<LabelValue>> {
    let mut known: BTreeMap<_, _> = vehicle.signals.iter().filter_map(labelled).collect();
    asked
        .into_iter()
        .map(|label| {
            let last = known.remove(label.as_str());
            (label, last)
        })
        .collect()
}

/// None for what ViriCiti has no label of.
fn labelled(reading: &Reading) -> Option<(&'static str, LabelValue)> {
    let (label, value) = match (reading.name, reading.value) {
        (SignalName::StateOfChargePercent, SignalValue::Number(percent)) => {
            ("soc", ValueOfLabel::Number(percent))
        }
        (SignalName::OdometerKm, SignalValue::Number(km)) => ("odo", ValueOfLabel::Number(km)),
        (SignalName::SpeedKmh, SignalValue::Number(kmh)) => ("speed", ValueOfLabel::Number(kmh)),
        (SignalName::RangeKm, SignalValue::Number(km)) => ("range", ValueOfLabel::Number(km)),
        // Positive is drawn from the battery. Adding zero turns -0.0 into 0.0.
        (SignalName::BatteryPowerKw, SignalValue::Number(kw)) => {
            ("power", ValueOfLabel::Number(-kw + 0.0))
        }
        (SignalName::Position, SignalValue::Position(position)) => (
            "gps",
            ValueOfLabel::Position(format!(
                "{}|{}",
                position.latitude_deg, position.longitude_deg
            )),
        ),
        _ => return None,
    };
    let time = reading.time.timestamp_millis();
    Some((label, LabelValue { value, time }))
}
