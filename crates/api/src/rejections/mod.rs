//! What was refused, and who is not known here.

mod get_rejections;
mod get_unknown_devices;

pub(crate) use get_rejections::*;
pub(crate) use get_unknown_devices::*;
