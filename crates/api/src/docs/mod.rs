//! The HTTP contract as a page to read and try. The page is Swagger UI and is served from this program alone.

mod get_asset;
mod get_docs;

pub(crate) use get_asset::*;
pub(crate) use get_docs::*;
