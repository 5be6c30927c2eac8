//! The endpoints of rejected updates and of unknown devices.

mod get_rejections;
mod get_unknown_devices;

pub(crate) use get_rejections::*;
pub(crate) use get_unknown_devices::*;
