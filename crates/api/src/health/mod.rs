//! Who is silent, and why.

mod get_health;
mod view;

pub(crate) use get_health::*;
