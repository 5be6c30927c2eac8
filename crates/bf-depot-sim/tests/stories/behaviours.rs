//! What can be odd about a vehicle.

use bf_depot_sim::{Account, Behaviour, SignalName};
use chrono::TimeDelta;

use crate::stage::{Stage, reading, start};

fn with(behaviour: Behaviour) -> Stage {
    Stage::with(
        Account::new("depot")
            .with_vehicle("odd", behaviour)
            .with_vehicle("other", Behaviour::Reporting),
    )
}

#[tokio::test]
async fn a_vehicle_is_silent_from_its_instant_on() {
    let stage = with(Behaviour::SilentSince {
        at: start() + TimeDelta::minutes(10),
    });
    stage.advance_seconds(599);
    assert_eq!(
        stage.poll("depot", "").await.vehicle_ids(),
        ["odd", "other"]
    );
    stage.advance_seconds(1);
    assert_eq!(stage.poll("depot", "").await.vehicle_ids(), ["other"]);
}

#[tokio::test]
async fn the_last_readings_of_a_silent_vehicle_can_still_be_asked_for() {
    let silent_at = start() - TimeDelta::minutes(40);
    let stage = with(Behaviour::SilentSince { at: silent_at });
    let just_before = silent_at - TimeDelta::microseconds(1);
    let vehicles = stage
        .simulator
        .readings_at("depot", just_before)
        .expect("the account");
    assert_eq!(vehicles[0].id, "odd");
    assert!(
        vehicles[0]
            .signals
            .iter()
            .all(|reading| reading.time < silent_at)
    );
}

#[tokio::test]
async fn an_omitted_vehicle_is_not_in_the_answer() {
    assert_eq!(
        with(Behaviour::Omitted)
            .poll("depot", "")
            .await
            .vehicle_ids(),
        ["other"]
    );
}

#[tokio::test]
async fn a_frozen_vehicle_repeats_its_reading() {
    let stage = with(Behaviour::Frozen { at: start() });
    let first = stage.poll("depot", "").await.json();
    stage.advance_seconds(3_600);
    let later = stage.poll("depot", "").await.json();
    assert_eq!(first["vehicles"][0], later["vehicles"][0]);
    assert_ne!(first["vehicles"][1], later["vehicles"][1]);
}

#[tokio::test]
async fn a_vehicle_lacks_the_signals_it_does_not_have() {
    let lacking = vec![SignalName::StateOfChargePercent, SignalName::Position];
    let answer = with(Behaviour::WithoutSignals { signals: lacking })
        .poll("depot", "")
        .await
        .json();
    let [odd, other] = [&answer["vehicles"][0], &answer["vehicles"][1]];
    assert!(
        reading(odd, "state_of_charge_percent").is_none() && reading(odd, "position").is_none()
    );
    assert_eq!(
        odd["signals"].as_array().expect("signals").len(),
        SignalName::ALL.len() - 2
    );
    assert_eq!(
        other["signals"].as_array().expect("signals").len(),
        SignalName::ALL.len()
    );
}
