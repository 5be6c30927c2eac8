//! Who changed what.

mod get_changes;

pub(crate) use get_changes::*;
