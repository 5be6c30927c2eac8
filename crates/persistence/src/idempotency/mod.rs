//! Idempotency keys of POST requests, with the stored answers to these requests.

mod keys;

pub use keys::KeyRecord;
