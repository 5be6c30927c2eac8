//! Two vehicle models, a bus and a truck, with traits drawn from the range of today's vehicles.

use rand::Rng;

use super::battery::Battery;
use super::drivetrain::Drivetrain;
use super::tour::DrivingStyle;

/// The traits of a vehicle's model.
#[derive(Clone, Copy, Debug)]
pub(super) struct Model {
    pub(super) battery: Battery,
    pub(super) drivetrain: Drivetrain,
    pub(super) style: DrivingStyle,
    pub(super) route_radius_m: f64,
    pub(super) stop_spacing_m: f64,
}

impl Model {
    /// Draws a model: seven of ten vehicles are buses.
    pub(super) fn draw(draws: &mut impl Rng) -> Self {
        if draws.random_bool(0.7) {
            Self::city_bus(draws)
        } else {
            Self::delivery_truck(draws)
        }
    }

    fn city_bus(draws: &mut impl Rng) -> Self {
        Self {
            battery: battery(
                draws.random_range(280.0..460.0),
                draws.random_range(90.0..150.0),
                draws,
            ),
            drivetrain: Drivetrain {
                mass_kg: draws.random_range(14_000.0..19_000.0),
                resistance_kwh_per_km: draws.random_range(0.75..1.05),
                auxiliary_kw: draws.random_range(4.0..9.0),
                recovery: 0.6,
            },
            style: DrivingStyle {
                cruise_ms: draws.random_range(11.0..15.0),
                acceleration_ms2: 0.9,
                halt_s: draws.random_range(20.0..40.0),
            },
            route_radius_m: draws.random_range(1_500.0..4_000.0),
            stop_spacing_m: 900.0,
        }
    }

    fn delivery_truck(draws: &mut impl Rng) -> Self {
        Self {
            battery: battery(
                draws.random_range(350.0..600.0),
                draws.random_range(150.0..300.0),
                draws,
            ),
            drivetrain: Drivetrain {
                mass_kg: draws.random_range(18_000.0..32_000.0),
                resistance_kwh_per_km: draws.random_range(0.95..1.25),
                auxiliary_kw: draws.random_range(2.0..5.0),
                recovery: 0.6,
            },
            style: DrivingStyle {
                cruise_ms: draws.random_range(19.0..23.0),
                acceleration_ms2: 0.5,
                halt_s: draws.random_range(120.0..300.0),
            },
            route_radius_m: draws.random_range(8_000.0..16_000.0),
            stop_spacing_m: 6_000.0,
        }
    }
}

fn battery(capacity_kwh: f64, charger_kw: f64, draws: &mut impl Rng) -> Battery {
    Battery {
        capacity_kwh,
        charger_kw,
        state_of_health_percent: draws.random_range(86.0..99.0),
        charge_to_percent: draws.random_range(90.0..98.0),
    }
}
