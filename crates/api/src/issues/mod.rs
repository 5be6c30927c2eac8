//! What is wrong, one cause at a time.

mod get_issues;

pub(crate) use get_issues::*;
