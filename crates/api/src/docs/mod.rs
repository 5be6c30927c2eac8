//! The contract as a page to read and try: Swagger UI, from this program alone.

mod get_asset;
mod get_docs;

pub(crate) use get_asset::*;
pub(crate) use get_docs::*;
