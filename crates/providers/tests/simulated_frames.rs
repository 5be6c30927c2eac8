//! Simulated vehicles, read from the frames that ViriCiti would send of them.

use bf_depot_sim::viriciti::{SimulatedFrame, frames};
use bf_depot_sim::{Scenario, Simulator, SimulatorSettings, Speed, VehicleReadings};
use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use clock::Clock;
use domain::fleet::ProviderType;
use domain::signals::{Reading, Readings, Signal};
use providers::{Interpretation, ProviderRegistry};
use serde::Serialize;

/// What a message says of a vehicle, at the precision that frames have.
fn read(provider_type: ProviderType, message: &impl Serialize) -> Vec<(Signal, Reading)> {
    let raw = serde_json::value::to_raw_value(message).expect("JSON");
    let Interpretation::Readings(readings) =
        ProviderRegistry::default().interpret(provider_type, &raw)
    else {
        panic!("{raw} is not understood");
    };
    let reading = |reading: providers::ProviderReading| {
        assert!(reading.dropped.is_empty(), "{raw}");
        let observed_at = reading.observed_at.expect("a time").trunc_subsecs(3);
        reading
            .signals
            .into_iter()
            .map(move |(signal, value)| (signal, Reading { value, observed_at }))
    };
    readings.into_iter().flat_map(reading).collect()
}

/// A day of a vehicle, its last report every ten minutes.
fn a_day() -> Vec<VehicleReadings> {
    let start: DateTime<Utc> = "2026-11-23T00:00:00Z".parse().expect("a time");
    let settings = SimulatorSettings {
        seed: 7,
        speed: Speed::try_new(1.0).expect("a speed"),
        clock: Clock::manual(start),
    };
    let simulator = Simulator::new(Scenario::fleet("depot", 1), settings);
    (0..144)
        .flat_map(|n| {
            simulator
                .readings_at("depot", start + TimeDelta::minutes(10 * n))
                .expect("the account")
        })
        .collect()
}

#[test]
fn frames_say_what_the_native_protocol_says() {
    let labelled = [
        "state_of_charge_percent",
        "battery_power_kw",
        "range_km",
        "odometer_km",
        "speed_kmh",
        "position",
    ];
    for vehicle in a_day() {
        let native: Readings = read(ProviderType::DepotSim, &vehicle)
            .into_iter()
            .filter(|(signal, _)| labelled.contains(&signal.name()))
            .collect();
        let framed: Readings = frames(&vehicle)
            .flat_map(|frame| read(ProviderType::Viriciti, &frame))
            .collect();
        assert_eq!(framed, native);
        assert_eq!(framed.iter().count(), labelled.len());
    }
}

/// A socket that reconnects sends some of it again, and some of it late.
#[test]
fn late_and_repeated_frames_end_in_the_same_readings() {
    let sent: Vec<SimulatedFrame> = a_day().iter().flat_map(frames).collect();
    let held = |frames: &mut dyn Iterator<Item = &SimulatedFrame>| -> Readings {
        frames
            .flat_map(|frame| read(ProviderType::Viriciti, frame))
            .collect()
    };
    let in_order = held(&mut sent.iter());
    assert_eq!(held(&mut sent.iter().rev()), in_order);
    let late = sent.iter().skip(1).step_by(2).chain(sent.iter().step_by(2));
    assert_eq!(held(&mut late.chain(&sent[100..400])), in_order);
}
