//! The simulator as its users meet it: one file for each thing it promises. Time is a manual clock.

#![expect(
    clippy::disallowed_methods,
    reason = "the tasks of a story end with its runtime"
)]

mod behaviours;
mod changes;
mod control;
mod faults;
mod laws;
mod paging;
mod replay;
mod reports;
mod serving;
mod stage;
mod viriciti;
