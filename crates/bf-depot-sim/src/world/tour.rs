//! A vehicle's tour: the same lap several times, with a halt at every stop.

use super::drivetrain::{Drivetrain, Energy};
use super::motion::Hop;
use super::route::LoopRoute;
use crate::protocol::GeoPoint;

/// The speed, acceleration and halts with which a route is driven.
#[derive(Clone, Copy, Debug)]
pub(super) struct DrivingStyle {
    pub(super) cruise_ms: f64,
    pub(super) acceleration_ms2: f64,
    pub(super) halt_s: f64,
}

/// A route, driven `laps` times.
#[derive(Clone, Debug)]
pub(super) struct Tour {
    route: LoopRoute,
    hops: Vec<Hop>,
    drivetrain: Drivetrain,
    halt_s: f64,
    laps: u32,
    lap: LapTotals,
}

/// The duration, distance and energy of one lap.
#[derive(Clone, Copy, Debug)]
struct LapTotals {
    duration_s: f64,
    distance_m: f64,
    energy: Energy,
}

/// The position and motion of a vehicle on its tour, and the energy used so far.
#[derive(Clone, Copy, Debug)]
pub(super) struct TourPoint {
    pub(super) distance_m: f64,
    pub(super) speed_ms: f64,
    pub(super) position: GeoPoint,
    pub(super) heading_deg: f64,
    pub(super) energy: Energy,
}

impl Tour {
    /// Plans as many laps as fit into `budget_kwh`, at least one.
    pub(super) fn new(
        route: LoopRoute,
        style: DrivingStyle,
        drivetrain: Drivetrain,
        budget_kwh: f64,
    ) -> Self {
        let hops: Vec<Hop> = route
            .legs
            .iter()
            .map(|leg| {
                let speed_ms = leg.pace * style.cruise_ms;
                Hop::new(leg.length_m, speed_ms, style.acceleration_ms2)
            })
            .collect();
        let lap = LapTotals::of(&route, &hops, &drivetrain, style.halt_s);
        let laps = whole_laps(budget_kwh / lap.energy.net_kwh());
        Self {
            route,
            hops,
            drivetrain,
            halt_s: style.halt_s,
            laps,
            lap,
        }
    }

    pub(super) fn duration_s(&self) -> f64 {
        self.lap.duration_s * f64::from(self.laps)
    }

    pub(super) fn distance_m(&self) -> f64 {
        self.lap.distance_m * f64::from(self.laps)
    }

    /// Returns the energy of the whole tour; the power at its end is zero.
    pub(super) fn energy(&self) -> Energy {
        Energy {
            power_kw: 0.0,
            ..self.lap.energy.scaled(f64::from(self.laps))
        }
    }

    /// Returns the vehicle at rest in the depot before the tour.
    pub(super) fn start(&self) -> TourPoint {
        let last = self.route.legs.len() - 1;
        TourPoint {
            distance_m: 0.0,
            speed_ms: 0.0,
            position: self.route.position(0, 0.0),
            heading_deg: self.route.legs[last].heading_deg,
            energy: Energy::default(),
        }
    }

    /// Returns the vehicle at rest in the depot after the tour.
    pub(super) fn end(&self) -> TourPoint {
        TourPoint {
            distance_m: self.distance_m(),
            energy: self.energy(),
            ..self.start()
        }
    }

    /// Returns the vehicle `elapsed_s` after departure.
    pub(super) fn at(&self, elapsed_s: f64) -> TourPoint {
        let lap = (elapsed_s / self.lap.duration_s).floor();
        let mut distance_m = lap * self.lap.distance_m;
        let mut before = self.lap.energy.scaled(lap);
        let mut elapsed_s = elapsed_s - lap * self.lap.duration_s;
        for (leg, hop) in self.hops.iter().enumerate() {
            let driving_s = hop.duration_s();
            if elapsed_s < driving_s + self.halt_s {
                let motion = hop.at(elapsed_s);
                let driven = self
                    .drivetrain
                    .driving(hop, &motion, elapsed_s.min(driving_s));
                let energy = if elapsed_s < driving_s {
                    before.followed_by(&driven)
                } else {
                    let standing = self.drivetrain.standing(elapsed_s - driving_s);
                    before.followed_by(&driven).followed_by(&standing)
                };
                return TourPoint {
                    distance_m: distance_m + motion.travelled_m,
                    speed_ms: motion.speed_ms,
                    position: self.route.position(leg, motion.travelled_m),
                    heading_deg: self.route.legs[leg].heading_deg,
                    energy,
                };
            }
            distance_m += self.route.legs[leg].length_m;
            before = before.followed_by(&hop_energy(hop, &self.drivetrain, self.halt_s));
            elapsed_s -= driving_s + self.halt_s;
        }
        // Only a rounding error at the very end of a lap leads to this line.
        TourPoint {
            distance_m,
            energy: before,
            ..self.start()
        }
    }
}

impl LapTotals {
    fn of(route: &LoopRoute, hops: &[Hop], drivetrain: &Drivetrain, halt_s: f64) -> Self {
        Self {
            duration_s: hops.iter().map(|hop| hop.duration_s() + halt_s).sum(),
            distance_m: route.legs.iter().map(|leg| leg.length_m).sum(),
            energy: hops.iter().fold(Energy::default(), |before, hop| {
                before.followed_by(&hop_energy(hop, drivetrain, halt_s))
            }),
        }
    }
}

/// Returns the energy of one leg and of the halt at its end.
fn hop_energy(hop: &Hop, drivetrain: &Drivetrain, halt_s: f64) -> Energy {
    let end = hop.at(hop.duration_s());
    drivetrain
        .driving(hop, &end, hop.duration_s())
        .followed_by(&drivetrain.standing(halt_s))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to 1..=100 first"
)]
fn whole_laps(laps: f64) -> u32 {
    laps.clamp(1.0, 100.0) as u32
}
