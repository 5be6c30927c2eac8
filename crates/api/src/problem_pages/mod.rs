//! The pages at the `type` paths of problems: when each problem is answered, and what to do about it.

mod get_problem;
mod list_problems;
mod view;

pub(crate) use get_problem::*;
pub(crate) use list_problems::*;
