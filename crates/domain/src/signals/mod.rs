//! Signals: the catalogue, values that are read against it, and readings that join.
//!
//! The catalogue is data. A new signal is one row of it; nothing else in the product names signals except
//! adapters that translate a provider's own vocabulary.

mod catalogue;
mod reading;
mod value;

pub use catalogue::{CATALOGUE, Signal, SignalKind, SignalSpec};
pub use reading::{Reading, Readings, join_order};
pub use value::{DropReason, DroppedSignal, ReadSignals, SignalValue, read_signals};
