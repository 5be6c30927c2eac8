//! The wire contract: the JSON shapes of the HTTP interface that programs share.
//!
//! The API reads and answers with these types and documents them; the benchmark, the scheduler and the stream
//! transport write and read the same ones. A type here says which members a body has and which may be absent.
//! What a member's text may hold (the rule of an id, a time with an offset, a word of a vocabulary) is not
//! checked here: the API does that, member by member, so that a refusal can name the member.
//!
//! Texts are [`Cow`](std::borrow::Cow)s: requests borrow theirs from the body that they are read from. JSON that
//! another part understands (an update's signals, a provider's message, a connection's settings) is a type
//! parameter, and so is the list of a batch: writer and reader each name the form in which they have it. Doc
//! comments of types and members are published with the API, so they do not speak of Rust.
//!
//! Requests refuse members that they do not know. Answers pass over them, because answers may gain members.

mod borrowed;
#[cfg(feature = "openapi")]
pub mod component;
pub mod ingest;
pub mod poll_cycles;
pub mod problem;
pub mod provider_ingest;
pub mod streams;
