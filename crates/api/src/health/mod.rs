//! Who is silent, and why.

mod get_health;

pub(crate) use get_health::*;
