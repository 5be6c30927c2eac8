//! What a request brings, read strictly: ids of the path, parameters, bodies, preconditions, cursors.
//! What breaks a rule is a problem before a handler runs.

mod body;
mod cursor;
mod list_form;
mod page;
mod parameter;
mod path;
mod position;
mod precondition;
mod query;
mod request_id;
mod trace;
mod unread;

pub(crate) use body::{BODY_LIMIT, bytes_of, check_envelope};
pub use body::{JsonBody, RawBody, pointer_of, read_json};
pub use cursor::Cursor;
pub use list_form::ListForm;
pub use page::{ListName, PageParameters, Paged};
pub use parameter::{ParameterValue, number_schema, words_rule, words_schema};
pub use path::{Path1, Path2, PathId};
pub use position::Position;
pub use precondition::{IfMatch, tagged};
pub(crate) use query::query_parameters;
pub use query::{AskedFilter, GivenParameters, NoQuery, Query, QueryParameters, describe};
pub(crate) use request_id::RequestId;
pub use trace::TraceContext;
pub(crate) use trace::ids_of;
pub(crate) use unread::Unread;
