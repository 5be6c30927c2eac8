//! The temperature outside: a yearly and a daily cycle, and a few warmer or colder spells.

use std::f64::consts::TAU;

use super::timeline::VirtualTime;

const DAY_S: f64 = 86_400.0;
const YEAR_S: f64 = 365.25 * DAY_S;

/// Returns the temperature outside in degrees Celsius, as in central Europe: the year is warmest in late
/// July, the day at 15:00.
pub(super) fn ambient_celsius(at: VirtualTime) -> f64 {
    let t = at.unix_seconds();
    let season = 8.5 * (TAU * (t / YEAR_S - 0.565)).cos();
    let day = 4.0 * (TAU * (t / DAY_S - 0.625)).cos();
    let spells = 1.6 * (TAU * t / (4.7 * DAY_S)).sin() + 1.1 * (TAU * t / (2.9 * DAY_S)).sin();
    10.5 + season + day + spells
}
