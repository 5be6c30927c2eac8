//! Reading what providers send: messages of streams and pages of answers, as readings of vehicles.

mod bounded;
mod interpretation;
mod json_text;
mod reading;

pub use bounded::{deserialize_bounded_list, select_members};
pub use interpretation::{
    Interpretation, Uninterpretable, parse_external_id, parse_message, quote_name,
};
pub use json_text::JsonText;
pub(crate) use json_text::text_of_message;
pub use reading::{ParsedSignal, ProviderReading, group_by_time, parse_signal, signal_of_number};
