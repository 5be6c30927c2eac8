//! `Idempotency-Key`: a POST with such a key runs once in a day and gets the same answer each time.
//!
//! This layer stands after the guard, so that access is checked each time, and before the handler. Only a 2xx
//! answer is stored, because only then something was done. Any other end releases the key.

mod keyed_request;
mod stored_answer;

pub(crate) use keyed_request::idempotent;
