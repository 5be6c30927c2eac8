//! When vehicles report, and with what time.

use std::collections::BTreeSet;

use bf_depot_sim::{NativeValue, Scenario, SignalName, SimulatedReading, VehicleReadings};
use chrono::TimeDelta;

use crate::stage::{Stage, start};

fn reading(vehicle: &VehicleReadings, name: SignalName) -> SimulatedReading {
    *vehicle
        .signals
        .iter()
        .find(|reading| reading.name == name)
        .expect("the signal")
}

fn is_driving(vehicle: &VehicleReadings) -> bool {
    reading(vehicle, SignalName::IgnitionOn).value == NativeValue::Flag(true)
}

fn odometers(vehicles: &[VehicleReadings]) -> Vec<f64> {
    let odometer = |vehicle| match reading(vehicle, SignalName::OdometerKm).value {
        NativeValue::Number(km) => km,
        other => panic!("{other:?} is no distance"),
    };
    vehicles.iter().map(odometer).collect()
}

#[test]
fn the_same_seed_gives_the_same_readings() {
    let [one, other] = [(), ()].map(|()| Stage::with_scenario(Scenario::fleet("depot", 20), 30.0));
    for minutes in [0, 1, 90, 5_000] {
        let at = start() + TimeDelta::minutes(minutes);
        assert_eq!(
            one.simulator.readings_at("depot", at),
            other.simulator.readings_at("depot", at)
        );
    }
}

#[test]
fn a_parked_vehicle_has_a_new_time_every_minute_and_a_driving_one_every_ten_seconds() {
    for speed in [1.0, 60.0] {
        let stage = Stage::with_scenario(Scenario::fleet("depot", 30), speed);
        let mut before = stage
            .simulator
            .readings_at("depot", start())
            .expect("the account");
        for minute in 1..=60 {
            let now = start() + TimeDelta::minutes(minute);
            let vehicles = stage
                .simulator
                .readings_at("depot", now)
                .expect("the account");
            for (vehicle, before) in vehicles.iter().zip(&before) {
                let time = reading(vehicle, SignalName::StateOfChargePercent).time;
                assert!(time > reading(before, SignalName::StateOfChargePercent).time);
                let age = now - time;
                let interval = if is_driving(vehicle) { 10 } else { 60 };
                assert!(
                    age >= TimeDelta::zero() && age < TimeDelta::seconds(interval),
                    "{age}"
                );
            }
            before = vehicles;
        }
    }
}

#[test]
fn what_changes_slowly_has_an_older_time_while_driving() {
    let stage = Stage::with_scenario(Scenario::fleet("depot", 30), 1.0);
    let mut times_differ = BTreeSet::new();
    for vehicle in stage
        .simulator
        .readings_at("depot", start())
        .expect("the account")
    {
        assert_eq!(vehicle.signals.len(), SignalName::ALL.len());
        let speed = reading(&vehicle, SignalName::SpeedKmh).time;
        let health = reading(&vehicle, SignalName::StateOfHealthPercent).time;
        assert!(health <= speed && start() - health < TimeDelta::minutes(1));
        times_differ.insert(health < speed);
        assert!(health == speed || is_driving(&vehicle));
    }
    assert_eq!(times_differ, BTreeSet::from([false, true]));
}

#[test]
fn at_sixty_times_the_speed_an_hour_of_driving_passes_in_a_minute() {
    let scenario = Scenario::fleet("depot", 12);
    let slow = Stage::with_scenario(scenario.clone(), 1.0);
    let fast = Stage::with_scenario(scenario, 60.0);
    let after = |stage: &Stage, passed| {
        stage
            .simulator
            .readings_at("depot", start() + passed)
            .expect("the account")
    };
    let hour = odometers(&after(&slow, TimeDelta::hours(10)));
    let minute = odometers(&after(&fast, TimeDelta::minutes(10)));
    for (hour, minute) in hour.iter().zip(&minute) {
        // A minute since the last report is an hour of driving.
        assert!((hour - minute).abs() <= 85.0, "{hour} km and {minute} km");
    }
    assert_ne!(hour, odometers(&after(&slow, TimeDelta::zero())));
}
