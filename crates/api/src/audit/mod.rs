//! The audit endpoint: who changed what, and when.

mod get_changes;

pub(crate) use get_changes::*;
