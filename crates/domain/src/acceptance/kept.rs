//! Rejections that are kept: what a workspace's lists of refused updates show.

use chrono::{DateTime, Utc};

use super::{RejectReason, RejectionKey};
use crate::ids::{CycleId, DeviceId, ProviderId};

/// A rejection that is kept, with the number of updates that it stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptRejection {
    /// The reason, and the sender or device that the rejection is about.
    pub key: RejectionKey,
    /// The number of refused updates since the rejection was first kept.
    pub count: i64,
    /// The instant of the first refused update.
    pub first_seen_at: DateTime<Utc>,
    /// The instant of the latest refused update.
    pub last_seen_at: DateTime<Utc>,
    /// The words that the sender of the latest update was answered.
    pub detail: String,
    /// The provider's event time of the latest update, where it was readable.
    pub observed_at: Option<DateTime<Utc>>,
    /// The cycle that the latest update came with, if it was polled.
    pub cycle_id: Option<CycleId>,
    /// The W3C trace id of the request or poll that brought the latest update.
    pub trace_id: Option<String>,
}

/// A filter of kept rejections; an absent member leaves out nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RejectionFilter {
    /// Only rejections for this reason.
    pub reason: Option<RejectReason>,
    /// Only rejections through this connection, where the sender named it.
    pub provider_id: Option<ProviderId>,
    /// Only rejections about this device, found by its address or named by our id.
    pub device_id: Option<DeviceId>,
}
