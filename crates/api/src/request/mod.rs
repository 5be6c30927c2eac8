//! Extractors for the parts of a request: ids of the path, query parameters, bodies, preconditions and cursors.
//! They parse strictly: a part that breaks its rule is refused with a problem before the handler runs.

mod body;
mod cursor;
mod list_form;
mod page;
mod parameter;
mod path;
mod pending_body;
mod position;
mod precondition;
mod query;
mod request_id;
mod trace;

pub(crate) use body::{BODY_LIMIT, check_body_headers, read_body};
pub use body::{JsonBody, RawBody, find_pointer, parse_json};
pub use cursor::Cursor;
pub use list_form::ListForm;
pub use page::{ListName, PageParameters, Paged};
pub use parameter::{ParameterValue, number_schema, words_rule, words_schema};
pub use path::{Path1, Path2, PathId};
pub(crate) use pending_body::PendingBody;
pub use position::Position;
pub use precondition::{IfMatch, respond_with_etag};
pub(crate) use query::query_parameters;
pub use query::{
    GivenParameters, NoQuery, Query, QueryParameters, RequestedFilter, describe_parameter,
};
pub(crate) use request_id::RequestId;
pub use trace::TraceContext;
pub(crate) use trace::parse_traceparent;
