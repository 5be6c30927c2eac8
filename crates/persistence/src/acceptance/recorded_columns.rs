//! A batch's snapshots and events turned into columns, as the database's function takes them. An array of which no
//! member would say anything is empty.

use std::iter;

use chrono::{DateTime, Utc};
use serde::Serialize;
use uuid::Uuid;

use super::accepted_payload::RareMembers;
use super::recording::{AcceptedEvent, MovedSnapshot};

/// Snapshots, in the order in which they are locked.
pub(crate) struct SnapshotColumns<'r> {
    pub(crate) device_ids: Vec<&'r str>,
    pub(crate) activation_ids: Vec<Uuid>,
    pub(crate) versions: Vec<i64>,
    pub(crate) replaced_versions: Vec<i64>,
    pub(crate) newest_observations: Vec<DateTime<Utc>>,
    pub(crate) signals: Vec<String>,
    /// Empty where nothing was dropped of any.
    pub(crate) dropped: Vec<String>,
}

impl<'r> SnapshotColumns<'r> {
    pub(crate) fn of(snapshots: &'r [MovedSnapshot], now: DateTime<Utc>) -> Self {
        let held = || snapshots.iter().map(|snapshot| &snapshot.held);
        Self {
            device_ids: snapshots
                .iter()
                .map(|snapshot| snapshot.device_id.as_str())
                .collect(),
            activation_ids: snapshots
                .iter()
                .map(|snapshot| snapshot.activation_id.0)
                .collect(),
            versions: held().map(|held| held.version).collect(),
            replaced_versions: snapshots
                .iter()
                .map(|snapshot| snapshot.replaces_version)
                .collect(),
            newest_observations: held()
                .map(|held| held.readings.newest_observed_at().unwrap_or(now))
                .collect(),
            signals: held().map(|held| json(&held.readings)).collect(),
            dropped: if held().all(|held| held.drops.is_empty()) {
                Vec::new()
            } else {
                held().map(|held| json(&held.drops)).collect()
            },
        }
    }
}

/// Events, in the order of their devices.
pub(crate) struct EventColumns<'r> {
    pub(crate) ids: Vec<Uuid>,
    pub(crate) vehicle_ids: Vec<&'r str>,
    /// The connection of all of them, if they have one; else each tells its own.
    pub(crate) provider_of_all: Option<&'r str>,
    pub(crate) provider_ids: Vec<&'r str>,
    /// Empty where each event made the snapshot in its place, and so are the next two.
    pub(crate) device_ids: Vec<&'r str>,
    pub(crate) activation_ids: Vec<Uuid>,
    pub(crate) versions: Vec<i64>,
    /// What an update brought. Nothing where that is all that is held by the snapshot in its place, as of a device
    /// that tells all its signals each time.
    pub(crate) updated_signals: Vec<Option<String>>,
    pub(crate) rare_members: Vec<Option<String>>,
    /// Empty where all updates come from the same, and so are their traces.
    pub(crate) envelope_ids: Vec<Option<Uuid>>,
    pub(crate) trace_ids: Vec<Option<&'r str>>,
}

impl<'r> EventColumns<'r> {
    pub(crate) fn of(events: &'r [AcceptedEvent<'_>], snapshots: &[MovedSnapshot]) -> Self {
        let providers = || {
            let of_event = |event: &AcceptedEvent<'r>| event.device.spec.provider_id.as_str();
            events.iter().map(of_event)
        };
        let provider_of_all = common(providers());
        let provider_ids = if provider_of_all.is_some() {
            Vec::new()
        } else {
            providers().collect()
        };
        // Where each has made the snapshot in its place, that tells the rest.
        let told_by_themselves = if are_paired(events, snapshots) {
            &[]
        } else {
            events
        };
        let origins = || events.iter().filter_map(|event| event.origin);
        Self {
            ids: events.iter().map(|event| event.event_id.0).collect(),
            vehicle_ids: events
                .iter()
                .map(|event| event.device.spec.vehicle_id.as_str())
                .collect(),
            provider_of_all,
            provider_ids,
            device_ids: told_by_themselves
                .iter()
                .map(|event| event.device.id.as_str())
                .collect(),
            activation_ids: told_by_themselves
                .iter()
                .map(|event| event.device.activation_id.0)
                .collect(),
            versions: told_by_themselves
                .iter()
                .map(|event| event.version)
                .collect(),
            updated_signals: if_any(updated_signals(events, snapshots)),
            rare_members: if_any(events.iter().map(RareMembers::json_of)),
            envelope_ids: if_any(origins().map(|origin| origin.envelope_id.map(|id| id.0))),
            trace_ids: if_any(origins().map(|origin| origin.trace_id)),
        }
    }
}

/// Whether each event made the snapshot in its place, as where a batch has one update of each device.
fn are_paired(events: &[AcceptedEvent<'_>], snapshots: &[MovedSnapshot]) -> bool {
    events.len() == snapshots.len()
        && events.iter().zip(snapshots).all(|(event, snapshot)| {
            event.device.id == snapshot.device_id && event.version == snapshot.held.version
        })
}

fn updated_signals(
    events: &[AcceptedEvent<'_>],
    snapshots: &[MovedSnapshot],
) -> impl Iterator<Item = Option<String>> {
    let in_place = snapshots.iter().map(Some).chain(iter::repeat(None));
    events.iter().zip(in_place).map(|(event, snapshot)| {
        let is_told = snapshot.is_some_and(|snapshot| {
            snapshot.device_id == event.device.id
                && snapshot.held.readings == *event.normalized_values
        });
        (!is_told).then(|| json(event.normalized_values))
    })
}

/// What all of them are, if they are one.
fn common<'r>(mut all: impl Iterator<Item = &'r str>) -> Option<&'r str> {
    let first = all.next()?;
    all.all(|other| other == first).then_some(first)
}

/// What they say; nothing where none says anything.
fn if_any<T>(said: impl Iterator<Item = Option<T>>) -> Vec<Option<T>> {
    let said: Vec<Option<T>> = said.collect();
    if said.iter().any(Option::is_some) {
        said
    } else {
        Vec::new()
    }
}

/// Maps with text keys of plain values always have a JSON form.
fn json(map: &impl Serialize) -> String {
    serde_json::to_string(map).unwrap_or_default()
}
