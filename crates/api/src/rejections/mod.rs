//! What was refused, and who is not known here.

mod get_rejections;
mod get_unknown_devices;
mod place;

pub(crate) use get_rejections::*;
pub(crate) use get_unknown_devices::*;
