//! The route of a vehicle: a closed loop of straight legs that begins and ends at the depot.

use std::f64::consts::{PI, TAU};

use rand::Rng;

use super::draw::fnv1a;
use crate::protocol::GeoPoint;

/// Metres in a degree of latitude.
const METRES_PER_DEGREE: f64 = 111_320.0;

/// The positions of the depots: city centres, to the nearest hundred metres or so.
const DEPOTS: [GeoPoint; 8] = [
    GeoPoint {
        latitude_deg: 52.0907,
        longitude_deg: 5.1214,
    },
    GeoPoint {
        latitude_deg: 53.5511,
        longitude_deg: 9.9937,
    },
    GeoPoint {
        latitude_deg: 55.6761,
        longitude_deg: 12.5683,
    },
    GeoPoint {
        latitude_deg: 50.9375,
        longitude_deg: 6.9603,
    },
    GeoPoint {
        latitude_deg: 51.2194,
        longitude_deg: 4.4025,
    },
    GeoPoint {
        latitude_deg: 45.7640,
        longitude_deg: 4.8357,
    },
    GeoPoint {
        latitude_deg: 57.7089,
        longitude_deg: 11.9746,
    },
    GeoPoint {
        latitude_deg: 48.2082,
        longitude_deg: 16.3738,
    },
];

/// Returns the depot of an account. All vehicles of an account share one depot.
pub(super) fn depot_of(account: &str) -> GeoPoint {
    let choice = fnv1a(account.as_bytes()) % DEPOTS.len() as u64;
    DEPOTS[usize::try_from(choice).unwrap_or_default()]
}

/// A point in metres east and north of the depot.
#[derive(Clone, Copy, Debug)]
struct Offset {
    east_m: f64,
    north_m: f64,
}

/// The straight line from one stop to the next.
#[derive(Clone, Copy, Debug)]
pub(super) struct Leg {
    from: Offset,
    to: Offset,
    pub(super) length_m: f64,
    /// The direction in degrees clockwise from north, 0..360.
    pub(super) heading_deg: f64,
    /// The share of a vehicle's cruising speed that the road allows.
    pub(super) pace: f64,
}

impl Leg {
    fn new(from: Offset, to: Offset, pace: f64) -> Self {
        let (east_m, north_m) = (to.east_m - from.east_m, to.north_m - from.north_m);
        let heading_deg = east_m.atan2(north_m).to_degrees().rem_euclid(360.0);
        Self {
            from,
            to,
            length_m: east_m.hypot(north_m),
            heading_deg,
            pace,
        }
    }

    fn at(&self, travelled_m: f64) -> Offset {
        let share = travelled_m / self.length_m;
        Offset {
            east_m: self.from.east_m + share * (self.to.east_m - self.from.east_m),
            north_m: self.from.north_m + share * (self.to.north_m - self.from.north_m),
        }
    }
}

/// The loop of a bus line or of a delivery round.
#[derive(Clone, Debug)]
pub(super) struct LoopRoute {
    depot: GeoPoint,
    pub(super) legs: Vec<Leg>,
}

impl LoopRoute {
    /// Draws a loop of about `2π · radius_m` with a stop about every `stop_spacing_m`.
    pub(super) fn draw(
        depot: GeoPoint,
        radius_m: f64,
        stop_spacing_m: f64,
        draws: &mut impl Rng,
    ) -> Self {
        let stops = stop_count(TAU * radius_m / stop_spacing_m);
        let towards = draws.random_range(0.0..TAU);
        // Each vehicle has its own bay in the yard, so that a parked fleet is not one dot on the map.
        let bay = Offset {
            east_m: draws.random_range(-60.0..60.0),
            north_m: draws.random_range(-60.0..60.0),
        };
        let corners: Vec<Offset> = (0..stops)
            .map(|stop| {
                let stretch = if stop == 0 {
                    1.0
                } else {
                    draws.random_range(0.85..1.15)
                };
                let angle = towards + PI + TAU * f64::from(stop) / f64::from(stops);
                Offset {
                    east_m: bay.east_m + radius_m * (towards.cos() + stretch * angle.cos()),
                    north_m: bay.north_m + radius_m * (towards.sin() + stretch * angle.sin()),
                }
            })
            .collect();
        let next = corners.iter().cycle().skip(1);
        let legs = corners
            .iter()
            .zip(next)
            .map(|(from, to)| Leg::new(*from, *to, draws.random_range(0.7..1.0)))
            .collect();
        Self { depot, legs }
    }

    /// Returns the position `travelled_m` metres along the leg of that number.
    pub(super) fn position(&self, leg: usize, travelled_m: f64) -> GeoPoint {
        let offset = self.legs[leg].at(travelled_m);
        let metres_per_degree_east = METRES_PER_DEGREE * self.depot.latitude_deg.to_radians().cos();
        GeoPoint {
            latitude_deg: self.depot.latitude_deg + offset.north_m / METRES_PER_DEGREE,
            longitude_deg: self.depot.longitude_deg + offset.east_m / metres_per_degree_east,
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to 6..=60 first"
)]
fn stop_count(stops: f64) -> u32 {
    stops.clamp(6.0, 60.0) as u32
}
