//! The simulator as its users meet it: one file for each thing it promises. Time is a manual clock.

mod behaviours;
mod control;
mod faults;
mod laws;
mod paging;
mod replay;
mod reports;
mod serving;
mod stage;
mod viriciti;
