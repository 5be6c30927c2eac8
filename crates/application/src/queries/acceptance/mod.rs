//! The queries about what was not accepted: refused updates, devices that nobody has configured, quarantined envelopes.

mod list_quarantined_envelopes;
mod list_rejections;
mod list_unknown_devices;

pub use list_quarantined_envelopes::list_quarantined_envelopes;
pub use list_rejections::{Rejections, list_rejections};
pub use list_unknown_devices::list_unknown_devices;
