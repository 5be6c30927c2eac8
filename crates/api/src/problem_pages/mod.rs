//! The pages at the `type` paths of problems: what each is told for, and what to do.

mod get_problem;
mod list_problems;
mod view;

pub(crate) use get_problem::*;
pub(crate) use list_problems::*;
