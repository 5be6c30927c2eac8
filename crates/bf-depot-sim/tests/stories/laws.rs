//! What holds for every vehicle at every instant.

use bf_depot_sim::protocol::{ChargingState, GeoPoint};
use bf_depot_sim::world::{SimulatedVehicle, VehicleState, VirtualTime};
use proptest::prelude::*;

/// Vehicles of any seed, at instants from 2024, before they entered service, to 2035.
fn vehicle() -> impl Strategy<Value = SimulatedVehicle> {
    (any::<u64>(), "[a-z]{1,8}", 0..1000_u32).prop_map(|(seed, account, number)| {
        SimulatedVehicle::new(seed, &account, &format!("vehicle-{number}"))
    })
}

fn instant() -> impl Strategy<Value = f64> {
    1_704_067_200.0..2_051_222_400.0
}

fn at(vehicle: &SimulatedVehicle, unix_seconds: f64) -> VehicleState {
    vehicle.state_at(VirtualTime::from_unix_seconds(unix_seconds))
}

fn metres_between(a: GeoPoint, b: GeoPoint) -> f64 {
    let north = (b.latitude_deg - a.latitude_deg) * 111_320.0;
    let east = (b.longitude_deg - a.longitude_deg) * 111_320.0 * a.latitude_deg.to_radians().cos();
    north.hypot(east)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn every_value_is_one_that_a_vehicle_can_have(vehicle in vehicle(), t in instant()) {
        let state = at(&vehicle, t);
        prop_assert!((10.0..=100.0).contains(&state.state_of_charge_percent), "{state:?}");
        prop_assert!((80.0..=100.0).contains(&state.state_of_health_percent), "{state:?}");
        prop_assert!((20.0..=600.0).contains(&state.energy_remaining_kwh), "{state:?}");
        prop_assert!((-700.0..=400.0).contains(&state.battery_power_kw), "{state:?}");
        prop_assert!((10.0..=600.0).contains(&state.range_km), "{state:?}");
        prop_assert!((0.0..=90.0).contains(&state.speed_kmh), "{state:?}");
        prop_assert!((0.0..360.0).contains(&state.heading_deg), "{state:?}");
        prop_assert!((-10.0..=35.0).contains(&state.ambient_temperature_celsius), "{state:?}");
        prop_assert!(state.battery_temperature_celsius > state.ambient_temperature_celsius);
        prop_assert!(state.odometer_km > 0.0 && state.energy_used_kwh > 0.0, "{state:?}");
    }

    #[test]
    fn a_readings_parts_agree(vehicle in vehicle(), t in instant()) {
        let state = at(&vehicle, t);
        let charging = state.charging_state == ChargingState::Charging;
        prop_assert_eq!(state.plugged_in, state.charging_state != ChargingState::NotCharging);
        prop_assert!(!(state.plugged_in && state.ignition_on), "{:?}", state);
        prop_assert!(state.ignition_on || state.speed_kmh == 0.0, "{:?}", state);
        prop_assert!(!charging || state.battery_power_kw > 0.0, "{:?}", state);
        prop_assert!(state.ignition_on || charging || state.battery_power_kw == 0.0, "{:?}", state);
    }

    #[test]
    fn counters_never_fall(vehicle in vehicle(), t in instant(), later in 0.0..1e6) {
        let (before, after) = (at(&vehicle, t), at(&vehicle, t + later));
        // Far below the last digit that is reported.
        prop_assert!(after.odometer_km >= before.odometer_km - 1e-6);
        prop_assert!(after.energy_used_kwh >= before.energy_used_kwh - 1e-6);
    }

    #[test]
    fn a_reading_does_not_jump(vehicle in vehicle(), t in instant(), later in 0.1..60.0) {
        let (before, after) = (at(&vehicle, t), at(&vehicle, t + later));
        let moved_m = metres_between(before.position, after.position);
        let driven_m = (after.odometer_km - before.odometer_km) * 1e3;
        prop_assert!(driven_m <= 23.0 * later + 0.01, "drove {driven_m} m in {later} s");
        // The map is flat around its depot: up to one in a hundred off at the far end of a route.
        prop_assert!(moved_m <= driven_m * 1.01 + 0.1, "moved {moved_m} m but drove {driven_m} m");
        let charge_kwh = (after.energy_remaining_kwh - before.energy_remaining_kwh).abs();
        prop_assert!(charge_kwh <= 700.0 * later / 3600.0 + 1e-6, "{charge_kwh} kWh in {later} s");
        let warmed = after.battery_temperature_celsius - before.battery_temperature_celsius;
        prop_assert!(warmed.abs() <= 0.012 * later, "{warmed} K in {later} s");
    }
}

proptest! {
    // Each case adds up twenty minutes.
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn the_battery_holds_what_its_power_put_in(vehicle in vehicle(), t in instant()) {
        let (seconds, steps_per_second) = (1200, 4);
        let put_in_kwh = (0..seconds * steps_per_second)
            .map(|step| (f64::from(step) + 0.5) / f64::from(steps_per_second))
            .map(|after| at(&vehicle, t + after).battery_power_kw)
            .sum::<f64>() / f64::from(steps_per_second * 3600);
        let end = at(&vehicle, t + f64::from(seconds));
        let gained_kwh = end.energy_remaining_kwh - at(&vehicle, t).energy_remaining_kwh;
        prop_assert!((put_in_kwh - gained_kwh).abs() < 0.2, "{put_in_kwh} put in, {gained_kwh} gained");
    }
}

#[test]
fn at_any_time_some_of_a_fleet_drive_some_charge_and_some_stand() {
    let fleet: Vec<_> = (0..60)
        .map(|number| SimulatedVehicle::new(1, "depot", &number.to_string()))
        .collect();
    for hour in 0..48 {
        let t = 1_795_420_800.0 + 3600.0 * f64::from(hour);
        let states: Vec<_> = fleet.iter().map(|vehicle| at(vehicle, t)).collect();
        let driving = states.iter().filter(|state| state.ignition_on).count();
        let charging = states
            .iter()
            .filter(|state| state.charging_state == ChargingState::Charging)
            .count();
        assert!(driving >= 20, "{driving} of 60 drive at hour {hour}");
        assert!(charging >= 3, "{charging} of 60 charge at hour {hour}");
        assert!(driving + charging < 60, "none stands at hour {hour}");
    }
}

#[test]
fn a_vehicle_is_of_its_seed_its_account_and_its_id() {
    let state = |seed, account, id| at(&SimulatedVehicle::new(seed, account, id), 1_795_420_800.0);
    let one = state(1, "north", "bus-1");
    assert_eq!(one, state(1, "north", "bus-1"));
    assert_ne!(one, state(2, "north", "bus-1"));
    assert_ne!(one, state(1, "south", "bus-1"));
    assert_ne!(one, state(1, "north", "bus-2"));
}
