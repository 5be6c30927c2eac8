//! The issues endpoint: what is wrong in a workspace, grouped by cause.

mod get_issues;

pub(crate) use get_issues::*;
