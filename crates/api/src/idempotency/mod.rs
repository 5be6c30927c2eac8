//! `Idempotency-Key`: a POST that names itself is run once in a day, and answered alike each time.
//!
//! Judged after the guard, so that access counts anew each time, and before the handler. Only an answer
//! that did something is kept, a 2xx: whatever else happens frees the key.

mod kept;
mod keyed;

pub(crate) use keyed::idempotent;
