//! The first row of the table that refuses an update is the one that is told.

use super::*;
use crate::ids::{CycleId, LeaseToken};
use crate::signals::{DropReason, DroppedSignal};

/// A named update at a gate, and the refusal that it meets, if any.
type Case = (&'static str, Update, Gate, Option<RejectReason>);

fn assert_refusals(cases: impl IntoIterator<Item = Case>) {
    for (name, update, gate, expected) in cases {
        assert_eq!(reason(&judge_one(update, &gate)), expected, "{name}");
    }
}

#[test]
fn the_flags_refuse_before_the_connection_does() {
    let cycle = Source::Cycle {
        cycle_id: CycleId(Uuid::nil()),
        lease: LeaseToken(Uuid::nil()),
    };
    assert_refusals([
        (
            "a poll's result while legacy polls",
            at(by_id("d1")),
            legacy_polls(cycle),
            Some(RejectReason::NotOwner),
        ),
        (
            "a push while legacy polls",
            at(by_id("d1")),
            legacy_polls(Source::Push),
            None,
        ),
        (
            "the simulator where only real ones speak",
            at(by_id("d1")),
            real_providers_only(),
            Some(RejectReason::ProviderNotAllowed),
        ),
        (
            "the mode is judged before enabled",
            at(by_name("off", "x1")),
            real_providers_only(),
            Some(RejectReason::ProviderNotAllowed),
        ),
        (
            "a real one where only real ones speak",
            at(by_id("g1")),
            real_providers_only(),
            None,
        ),
    ]);
}

#[test]
fn the_connection_refuses_before_the_device_does() {
    assert_refusals([
        (
            "no such connection",
            at(by_name("nowhere", "x1")),
            gate(),
            Some(RejectReason::UnknownConnection),
        ),
        (
            "no such connection beside a device",
            at(d1_as(Some("nowhere"), None)),
            gate(),
            Some(RejectReason::UnknownConnection),
        ),
        (
            "a disabled connection",
            at(by_name("off", "x1")),
            gate(),
            Some(RejectReason::ConnectionDisabled),
        ),
        (
            "a device of a disabled connection",
            at(by_id("o1")),
            gate(),
            Some(RejectReason::ConnectionDisabled),
        ),
        (
            "another connection than the device's",
            at(d1_as(Some("geo"), None)),
            gate(),
            Some(RejectReason::IdentityConflict),
        ),
        (
            "another name than the device's",
            at(d1_as(Some("sim"), Some("x2"))),
            gate(),
            Some(RejectReason::IdentityConflict),
        ),
        (
            "agreeing names",
            at(d1_as(Some("sim"), Some("x1"))),
            gate(),
            None,
        ),
    ]);
}

#[test]
fn the_device_refuses_before_the_reading_does() {
    assert_refusals([
        (
            "no such device",
            at(by_id("d2")),
            gate(),
            Some(RejectReason::UnknownDevice),
        ),
        (
            "no such name",
            at(by_name("sim", "x2")),
            gate(),
            Some(RejectReason::UnknownDevice),
        ),
        (
            "identity before time",
            undated(by_id("d2")),
            gate(),
            Some(RejectReason::UnknownDevice),
        ),
        (
            "deactivated",
            at(by_id("gone")),
            gate(),
            Some(RejectReason::InactiveDevice),
        ),
        (
            "deactivated, by name",
            at(by_name("sim", "x9")),
            gate(),
            Some(RejectReason::InactiveDevice),
        ),
        (
            "a name that a deactivated device shares",
            at(by_name("sim", "x1")),
            gate(),
            None,
        ),
    ]);
}

#[test]
fn the_time_refuses_before_the_signals_do() {
    assert_refusals([
        (
            "no time",
            undated(by_id("d1")),
            gate(),
            Some(RejectReason::InvalidTimestamp),
        ),
        (
            "no signal",
            update(by_id("d1"), 0, &[]),
            gate(),
            Some(RejectReason::NoValidSignals),
        ),
        (
            "time before signals",
            Update {
                signals: vec![],
                ..undated(by_id("d1"))
            },
            gate(),
            Some(RejectReason::InvalidTimestamp),
        ),
    ]);
}

#[test]
fn a_refusal_for_want_of_signals_names_them() {
    let dropped = vec![DroppedSignal {
        signal: "speed_kmh".into(),
        reason: DropReason::OutOfRange,
    }];
    let judged = judge_one(
        Update {
            dropped,
            ..update(by_id("d1"), 0, &[])
        },
        &gate(),
    );
    let Verdict::Rejected(rejection) = judged.verdict else {
        panic!("{judged:?}")
    };
    assert_eq!(rejection.detail, "no signal is valid: speed_kmh");
}
