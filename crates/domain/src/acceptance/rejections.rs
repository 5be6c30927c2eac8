//! The records that are kept of a batch's refusals: counts, and one row for each reason and subject.
//!
//! A device with a wrong clock is refused every few minutes for weeks. One row that counts says so, and takes
//! no other row's place.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, Utc};

use super::{Address, Item, Judged, RejectReason, Verdict};
use crate::ids::{DeviceId, ExternalId, ProviderId};

/// The number of rows that are kept of one reason, at most: of each connection for devices that nobody has
/// configured, else of the workspace. Rows about configured devices are not bounded; there are few enough.
pub const REJECTIONS_AT_MOST: usize = 1_000;

/// The number of characters that are kept of a sender's text.
const TEXT_AT_MOST: usize = 200;

/// The key of a kept rejection: its reason and its subject.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RejectionKey {
    /// The reason of the rejection.
    pub reason: RejectReason,
    /// The connection, as the sender named it.
    pub provider_id: Option<ProviderId>,
    /// The device's name at the connection, as the sender gave it.
    pub external_id: Option<ExternalId>,
    /// The configured device, or else the device id that the sender gave.
    pub device_id: Option<DeviceId>,
    /// The place in the item that is not of the shape, for [`RejectReason::Malformed`].
    pub pointer: Option<String>,
}

/// The refusals of a batch that share a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RejectionSummary {
    /// The number of refusals.
    pub count: u64,
    /// The text for the sender, of the latest refusal.
    pub detail: String,
    /// The provider's event time, of the latest refusal that has a readable one.
    pub observed_at: Option<DateTime<Utc>>,
    /// The W3C trace id of the request or poll that brought the latest refusal.
    pub trace_id: Option<String>,
}

/// The refusals of a whole batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RejectionTally {
    /// The number of refusals by reason, including those that are not kept.
    pub counts: BTreeMap<RejectReason, u64>,
    /// The rows to be kept. Of more than [`REJECTIONS_AT_MOST`] rows of a kind, the first by name are kept:
    /// the same rows every time that a provider names thousands of units which nobody has configured.
    pub kept: BTreeMap<RejectionKey, RejectionSummary>,
}

impl RejectReason {
    /// Returns whether a rejection with this reason is about a configured device. There are only so many of
    /// those.
    pub const fn is_about_a_configured_device(self) -> bool {
        matches!(
            self,
            Self::InactiveDevice
                | Self::InvalidTimestamp
                | Self::FutureTimestamp
                | Self::NoValidSignals
        )
    }

    /// Returns whether a rejection with this reason explains the silence of its device: the device's readings
    /// arrive, and cannot be used.
    pub const fn explains_silence(self) -> bool {
        self.is_about_a_configured_device() && !matches!(self, Self::InactiveDevice)
    }
}

/// Sums up the refusals of a batch, each with the W3C trace id of what brought it. The tally of a batch
/// without refusals is empty.
pub fn tally_rejections<'b>(
    batch: impl IntoIterator<Item = (&'b Item, &'b Judged, Option<&'b str>)>,
) -> RejectionTally {
    let mut tally = RejectionTally::default();
    for (item, judged, trace_id) in batch {
        let Verdict::Rejected(rejection) = &judged.verdict else {
            continue;
        };
        *tally.counts.entry(rejection.reason).or_default() += 1;
        let mut key = RejectionKey {
            reason: rejection.reason,
            provider_id: None,
            external_id: None,
            device_id: judged.device_id.clone(),
            pointer: rejection.pointer.as_deref().map(make_legible),
        };
        if key.device_id.is_none()
            && let Some(address) = item.address()
        {
            (key.device_id, key.provider_id, key.external_id) = names_in(address);
        }
        let refusals = tally.kept.entry(key).or_insert_with(|| RejectionSummary {
            count: 0,
            detail: String::new(),
            observed_at: None,
            trace_id: None,
        });
        refusals.count += 1;
        refusals.detail = make_legible(&rejection.detail);
        refusals.observed_at = observed_at(item).or(refusals.observed_at);
        refusals.trace_id = trace_id.map(str::to_owned);
    }
    drop_surplus(&mut tally.kept);
    tally
}

fn names_in(address: &Address) -> (Option<DeviceId>, Option<ProviderId>, Option<ExternalId>) {
    match address.clone() {
        Address::Device {
            device_id,
            provider_id,
            external_id,
        } => (Some(device_id), provider_id, external_id),
        Address::External {
            provider_id,
            external_id,
        } => (None, Some(provider_id), Some(external_id)),
    }
}

/// Returns the time of an item's observation if every reader can read it: an offset can lead out of the years
/// that RFC 3339 has.
fn observed_at(item: &Item) -> Option<DateTime<Utc>> {
    match item {
        Item::Update(update) => update.observed_at,
        Item::Malformed { .. } => None,
    }
    .filter(|time| (1..=9999).contains(&time.year()))
}

/// Returns a sender's text so that a person can read it and a database can store it: cut, and without control
/// characters.
fn make_legible(text: &str) -> String {
    text.chars()
        .take(TEXT_AT_MOST)
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}

fn drop_surplus(kept: &mut BTreeMap<RejectionKey, RejectionSummary>) {
    if kept.len() <= REJECTIONS_AT_MOST {
        return;
    }
    let mut of_kind: BTreeMap<(RejectReason, Option<ProviderId>), usize> = BTreeMap::new();
    kept.retain(|key, _| {
        if key.reason.is_about_a_configured_device() {
            return true;
        }
        let connection = key
            .provider_id
            .clone()
            .filter(|_| key.reason == RejectReason::UnknownDevice);
        let count = of_kind.entry((key.reason, connection)).or_default();
        *count += 1;
        *count <= REJECTIONS_AT_MOST
    });
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;

    use super::*;
    use crate::acceptance::{Rejection, Update};

    fn device(id: &str) -> DeviceId {
        DeviceId::try_new(id).expect("a device id")
    }

    fn unit(connection: &str, name: &str) -> Address {
        Address::External {
            provider_id: ProviderId::try_new(connection).expect("a provider id"),
            external_id: ExternalId::try_new(name).expect("an external id"),
        }
    }

    fn observed(address: Address, observed_at: Option<DateTime<Utc>>) -> Item {
        Item::Update(Update {
            address,
            observed_at,
            signals: Vec::new(),
            dropped: Vec::new(),
        })
    }

    fn at(hour: u32) -> Option<DateTime<Utc>> {
        Utc.with_ymd_and_hms(2026, 11, 23, hour, 0, 0).single()
    }

    fn refused(reason: RejectReason, of: Option<&str>, detail: &str) -> Judged {
        Judged {
            device_id: of.map(device),
            verdict: Verdict::Rejected(Rejection {
                reason,
                detail: detail.to_owned(),
                pointer: None,
            }),
        }
    }

    #[test]
    fn a_batch_without_refusals_leaves_nothing() {
        let item = observed(unit("sim", "x1"), at(8));
        let judged = Judged {
            device_id: Some(device("d1")),
            verdict: Verdict::Stale,
        };
        assert_eq!(
            tally_rejections([(&item, &judged, None)]),
            RejectionTally::default()
        );
    }

    #[test]
    fn the_same_of_the_same_is_one_row_that_counts_and_tells_the_latest() {
        let first = observed(unit("sim", "x1"), at(8));
        let second = observed(unit("sim", "x1"), at(9));
        let unreadable = observed(unit("sim", "x1"), None);
        let future = |detail| refused(RejectReason::FutureTimestamp, Some("d1"), detail);
        let tally = tally_rejections([
            (&first, &future("first"), Some("t1")),
            (&second, &future("second"), Some("t2")),
            (&unreadable, &future("third"), Some("t3")),
            (
                &first,
                &refused(RejectReason::UnknownDevice, None, "nobody"),
                None,
            ),
        ]);
        assert_eq!(tally.counts[&RejectReason::FutureTimestamp], 3);
        assert_eq!(tally.counts[&RejectReason::UnknownDevice], 1);
        let keys: Vec<_> = tally
            .kept
            .keys()
            .map(|key| (key.reason, key.device_id.clone(), key.external_id.is_some()))
            .collect();
        assert_eq!(
            keys,
            [
                (RejectReason::UnknownDevice, None, true),
                // A device that was found is told by its own id, however it was named.
                (RejectReason::FutureTimestamp, Some(device("d1")), false),
            ]
        );
        let future = tally.kept.values().last().expect("the second row");
        assert_eq!(future.trace_id.as_deref(), Some("t3"));
        assert_eq!(
            (future.count, &*future.detail, future.observed_at),
            (3, "third", at(9))
        );
    }

    #[test]
    fn texts_of_senders_are_cut_and_made_legible() {
        let item = Item::Malformed {
            pointer: String::new(),
            detail: String::new(),
        };
        let judged = Judged {
            device_id: None,
            verdict: Verdict::Rejected(Rejection {
                reason: RejectReason::Malformed,
                detail: format!("a\0b\u{1b}\n{}", "ü".repeat(500)),
                pointer: Some("/\0".to_owned()),
            }),
        };
        let tally = tally_rejections([(&item, &judged, None)]);
        let (key, refusals) = tally.kept.first_key_value().expect("a row");
        assert_eq!(key.pointer.as_deref(), Some("/\u{fffd}"));
        assert!(refusals.detail.starts_with("a\u{fffd}b\u{fffd}\u{fffd}ü"));
        assert_eq!(refusals.detail.chars().count(), TEXT_AT_MOST);
    }

    #[test]
    fn a_time_that_rfc_3339_cannot_write_is_left_out() {
        for (text, kept) in [
            ("0000-12-31T23:30:00Z", false),
            ("0001-01-01T00:00:00+01:00", false),
            ("0001-01-01T00:00:00Z", true),
            ("9999-12-31T23:30:00-01:00", false),
        ] {
            let time = DateTime::parse_from_rfc3339(text).expect("a time").to_utc();
            let item = observed(unit("sim", "x1"), Some(time));
            assert_eq!(observed_at(&item).is_some(), kept, "{text}");
        }
    }

    #[test]
    fn of_too_many_of_a_kind_the_same_first_ones_are_kept_and_all_are_counted() {
        let many = REJECTIONS_AT_MOST + 5;
        let units = |connection: &'static str| {
            (0..many).rev().map(move |n| {
                let item = observed(unit(connection, &format!("x{n:05}")), at(8));
                (item, refused(RejectReason::UnknownDevice, None, "nobody"))
            })
        };
        let devices = (0..many).map(|n| {
            let item = observed(unit("sim", &format!("y{n}")), at(8));
            let of = format!("d{n}");
            (
                item,
                refused(RejectReason::FutureTimestamp, Some(&of), "ahead"),
            )
        });
        let batch: Vec<_> = units("sim").chain(units("geo")).chain(devices).collect();
        let tally = tally_rejections(batch.iter().map(|(item, judged)| (item, judged, None)));
        let kept = |reason| tally.kept.keys().filter(move |key| key.reason == reason);
        assert_eq!(
            kept(RejectReason::UnknownDevice).count(),
            2 * REJECTIONS_AT_MOST,
            "of each connection"
        );
        assert!(
            kept(RejectReason::UnknownDevice)
                .filter_map(|key| key.external_id.as_ref())
                .all(|name| name.as_str() < "x01000"),
            "the first by name"
        );
        assert_eq!(
            kept(RejectReason::FutureTimestamp).count(),
            many,
            "of configured devices all"
        );
        let counted: u64 = tally.counts.values().sum();
        assert_eq!(counted, 3 * many as u64);
    }
}
