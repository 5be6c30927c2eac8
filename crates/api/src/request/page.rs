//! `limit` and `cursor`, which every list takes.

use std::borrow::Cow;

use application::queries::{Page, PageRequest};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use chrono::{DateTime, Utc};
use serde_json::json;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};

use super::parameter::{ParameterValue, number_schema};
use super::{Cursor, Position, query_parameters};
use crate::problem::{FieldError, Problem};

query_parameters! {
    /// The parameters that every list takes.
    pub struct PageParameters {
        /// Rows of a page.
        limit: PageLimit,
        /// `next_cursor` of the page before: opaque, and good for the same list with the same filter only.
        cursor: Cursor,
    }
}

/// The number of rows that a page has, unless the list ends.
#[derive(Clone, Copy, Debug)]
pub struct PageLimit(u16);

impl PageLimit {
    const MAX: u16 = 1000;
}

impl Default for PageLimit {
    fn default() -> Self {
        Self(100)
    }
}

impl ParameterValue for PageLimit {
    fn parse(text: &str) -> Option<Self> {
        let rows = text.parse().ok()?;
        (1..=Self::MAX).contains(&rows).then_some(Self(rows))
    }

    fn rule() -> Cow<'static, str> {
        format!("must be 1 to {}", Self::MAX).into()
    }

    fn schema() -> RefOr<Schema> {
        let Self(default) = Self::default();
        number_schema(1, Self::MAX.into(), json!(default))
            .default(Some(json!(default)))
            .into()
    }
}

impl ParameterValue for Cursor {
    fn parse(text: &str) -> Option<Self> {
        Self::decode(text)
    }

    fn rule() -> Cow<'static, str> {
        "is not a cursor of this list".into()
    }

    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::String).into()
    }
}

/// One page of a list, as a request asks for it.
#[derive(Clone, Debug)]
pub struct Paged<P> {
    list: String,
    instant: DateTime<Utc>,
    request: PageRequest<P>,
}

/// Path and filter of the request, without `limit` and `cursor`: the list that a cursor is bound to.
#[derive(Clone, Debug)]
pub struct ListName(String);

impl<S: Send + Sync> FromRequestParts<S> for ListName {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let query = parts.uri.query().unwrap_or_default();
        let mut filter: Vec<&str> = query
            .split('&')
            .filter(|pair| {
                !pair.is_empty() && !pair.starts_with("limit=") && !pair.starts_with("cursor=")
            })
            .collect();
        filter.sort_unstable();
        Ok(Self(format!("{}?{}", parts.uri.path(), filter.join("&"))))
    }
}

impl<P: Position> Paged<P> {
    /// Binds the page to its list, and reads the position out of the cursor.
    ///
    /// # Errors
    /// A cursor of another list or of another filter.
    pub fn try_new(
        ListName(list): ListName,
        query: PageParameters,
        now: DateTime<Utc>,
    ) -> Result<Self, Problem> {
        let PageLimit(limit) = query.limit.unwrap_or_default();
        let limit = limit.into();
        let Some(cursor) = query.cursor else {
            let request = PageRequest { after: None, limit };
            return Ok(Self {
                list,
                instant: now,
                request,
            });
        };
        if cursor.list != list || cursor.instant > now {
            return Err(refused("is not a cursor of this list with this filter"));
        }
        let after =
            P::read(&cursor.after).ok_or_else(|| refused("is not a cursor of this list"))?;
        Ok(Self {
            list,
            instant: cursor.instant,
            request: PageRequest {
                after: Some(after),
                limit,
            },
        })
    }

    /// The instant that all pages of the list are computed at: that of the first.
    pub fn instant(&self) -> DateTime<Utc> {
        self.instant
    }

    /// The page that the query is asked for.
    pub fn request(&self) -> &PageRequest<P> {
        &self.request
    }

    /// Writes the cursor of the page after a position, if there is one.
    pub fn cursor(&self, next: Option<&P>) -> Option<String> {
        next.map(|position| {
            Cursor {
                list: self.list.clone(),
                instant: self.instant,
                after: position.write(),
            }
            .encode()
        })
    }

    /// Shows each item of a page, and writes the cursor of the next page, if there is one.
    pub fn show<T, V>(
        &self,
        page: Page<T, P>,
        show: impl FnMut(T) -> V,
    ) -> (Vec<V>, Option<String>) {
        let next_cursor = self.cursor(page.next.as_ref());
        (page.items.into_iter().map(show).collect(), next_cursor)
    }
}

fn refused(detail: &str) -> Problem {
    Problem::invalid(vec![FieldError::parameter("cursor", detail)])
}
