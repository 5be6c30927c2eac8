//! The endpoints of provider connections.

mod delete_connection;
mod get_connections;
mod put_connection;
mod view;

pub(crate) use delete_connection::*;
pub(crate) use get_connections::*;
pub(crate) use put_connection::*;
