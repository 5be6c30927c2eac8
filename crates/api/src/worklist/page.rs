//! A page of silent devices, as both lists have it.

use application::Core;
use application::queries::{WorklistFilter, worklist};
use domain::health::WorklistPosition;

use super::query::key;
use super::view::{DEVICE_BYTES, SilentDeviceView, silent_device_view};
use crate::problem::Problem;
use crate::request::Paged;

/// Rows, and where the list goes on.
pub(super) struct Page {
    pub(super) devices: Vec<SilentDeviceView>,
    pub(super) next_cursor: Option<String>,
}

impl Page {
    /// The page after a place.
    ///
    /// # Errors
    /// When the store fails.
    pub(super) async fn read(
        core: &Core,
        filter: &WorklistFilter,
        paged: &Paged,
        after: Option<&WorklistPosition>,
    ) -> Result<Self, Problem> {
        let now = paged.instant();
        let page = worklist(core, filter, after, paged.limit(), now).await?;
        Ok(Self {
            devices: page
                .devices
                .iter()
                .map(|device| silent_device_view(device, now))
                .collect(),
            next_cursor: page.next.map(|place| paged.cursor_after(key(&place))),
        })
    }

    /// A little more than an answer with these rows takes.
    pub(super) fn about_bytes(&self) -> usize {
        256 + self.devices.len() * DEVICE_BYTES
    }
}
