//! The parameters `limit` and `cursor`, which every list takes, and the page that they ask for.

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
        /// The largest number of rows of the page.
        limit: PageLimit,
        /// The `next_cursor` of the page before. It is opaque, and valid only for the same list with the same filter.
        cursor: Cursor,
    }
}

/// The largest number of rows of a page.
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

/// The page of a list that a request asks for.
#[derive(Clone, Debug)]
pub struct Paged<P> {
    list: String,
    instant: DateTime<Utc>,
    request: PageRequest<P>,
}

/// The list that a cursor is bound to: path and filter of the request, without `limit` and `cursor`.
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
    /// Binds the page to its list, and parses the position in the cursor.
    ///
    /// # Errors
    /// 400 if the cursor is of another list or of another filter.
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
            return Err(refuse_cursor(
                "is not a cursor of this list with this filter",
            ));
        }
        let after = P::decode(&cursor.after)
            .ok_or_else(|| refuse_cursor("is not a cursor of this list"))?;
        Ok(Self {
            list,
            instant: cursor.instant,
            request: PageRequest {
                after: Some(after),
                limit,
            },
        })
    }

    /// Returns the instant at which all pages of the list are computed: the instant of the first page.
    pub fn instant(&self) -> DateTime<Utc> {
        self.instant
    }

    /// Returns the page in the form that application queries take.
    pub fn request(&self) -> &PageRequest<P> {
        &self.request
    }

    /// Encodes the cursor of the page after a position, if there is one.
    pub fn cursor(&self, next: Option<&P>) -> Option<String> {
        next.map(|position| {
            Cursor {
                list: self.list.clone(),
                instant: self.instant,
                after: position.encode(),
            }
            .encode()
        })
    }

    /// Renders each item of a page, and encodes the cursor of the next page, if there is one.
    pub fn render<T, V>(
        &self,
        page: Page<T, P>,
        render_item: impl FnMut(T) -> V,
    ) -> (Vec<V>, Option<String>) {
        let next_cursor = self.cursor(page.next.as_ref());
        (
            page.items.into_iter().map(render_item).collect(),
            next_cursor,
        )
    }
}

fn refuse_cursor(detail: &str) -> Problem {
    Problem::invalid(vec![FieldError::parameter("cursor", detail)])
}
