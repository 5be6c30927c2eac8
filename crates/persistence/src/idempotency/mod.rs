//! Idempotency keys of POST requests, with the answers that they got.

mod keys;

pub use keys::KeyRecord;
