//! The queries about silent devices, and about what people do about them.

mod get_follow_up;
mod list_follow_up_versions;
mod list_silent_devices;
mod silent_device;

pub use get_follow_up::get_follow_up;
pub use list_follow_up_versions::list_follow_up_versions;
pub use list_silent_devices::list_silent_devices;
pub use silent_device::{SilentDevice, WorklistFilter};
