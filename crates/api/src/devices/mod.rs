//! The endpoints of the device registry.

mod delete_device;
mod get_devices;
mod put_device;
mod view;

pub(crate) use delete_device::*;
pub(crate) use get_devices::*;
pub(crate) use put_device::*;
