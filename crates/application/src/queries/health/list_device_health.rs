//! The query that lists the health of a workspace, device by device.

use domain::ids::{DeviceId, WorkspaceId};

use super::{DeviceHealth, HealthAt, HealthFilter, HealthSummary, evaluate_workspace};
use crate::Core;
use crate::queries::{Page, PageRequest, QueryError};

/// The health of a workspace, with one page of its devices or vehicles.
#[derive(Clone, Debug)]
pub struct HealthPage<T, P> {
    /// The health of the whole workspace, whatever the filter.
    pub summary: HealthSummary,
    /// The page.
    pub page: Page<T, P>,
}

/// Evaluates a workspace, and lists the devices that the filter admits, in order of id.
///
/// # Errors
/// As [`evaluate_workspace`].
pub async fn list_device_health(
    core: &Core,
    workspace_id: &WorkspaceId,
    filter: &HealthFilter,
    page: &PageRequest<DeviceId>,
    at: HealthAt,
) -> Result<HealthPage<DeviceHealth, DeviceId>, QueryError> {
    let report = evaluate_workspace(core, workspace_id, at).await?;
    let devices = report
        .devices
        .into_iter()
        .filter(|device| page.is_after(&device.row.device_id) && filter.admits_device(device));
    // The list holds one item more than the page, if there is a next page.
    let rows = devices.take(page.limit.saturating_add(1)).collect();
    Ok(HealthPage {
        summary: report.summary,
        page: Page::cut(rows, page, |device| device.row.device_id.clone()),
    })
}
