//! `limit` and `cursor`, which every list takes.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use chrono::{DateTime, Utc};
use persistence::Page;
use serde::Serialize;

use super::{Cursor, Params, QueryParams};
use crate::problem::{FieldError, Problem};

/// How much of a list is wanted, and from where on.
#[derive(Clone, Debug)]
pub struct PageQuery {
    limit: u16,
    cursor: Option<Cursor>,
}

impl QueryParams for PageQuery {
    fn read(params: &mut Params) -> Self {
        let limit = params.read("limit", "must be 1 to 1000", |text| {
            text.parse().ok().filter(|limit| (1..=1000).contains(limit))
        });
        let cursor = params.read("cursor", "is not a cursor of this list", Cursor::decode);
        Self {
            limit: limit.unwrap_or(100),
            cursor,
        }
    }
}

/// A list being cut: which one it is, and the request's cut.
#[derive(Clone, Debug)]
pub struct Paged {
    list: String,
    query: PageQuery,
    now: DateTime<Utc>,
}

/// Path and filter of the request, without the cut: what a cursor is bound to.
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

impl Paged {
    /// Binds the cut to its list.
    ///
    /// # Errors
    /// A cursor of another list or of another filter.
    pub fn try_new(
        ListName(list): ListName,
        query: PageQuery,
        now: DateTime<Utc>,
    ) -> Result<Self, Problem> {
        if query
            .cursor
            .as_ref()
            .is_some_and(|cursor| cursor.list != list || cursor.instant > now)
        {
            let error =
                FieldError::parameter("cursor", "is not a cursor of this list with this filter");
            return Err(Problem::invalid(vec![error]));
        }
        Ok(Self { list, query, now })
    }

    /// The instant that all pages are computed at: that of the first.
    pub fn instant(&self) -> DateTime<Utc> {
        self.query
            .cursor
            .as_ref()
            .map_or(self.now, |cursor| cursor.instant)
    }

    /// The last key of the page before.
    pub fn after(&self) -> Option<&str> {
        self.query
            .cursor
            .as_ref()
            .map(|cursor| cursor.after.as_str())
    }

    /// Rows of a page.
    pub fn limit(&self) -> usize {
        self.query.limit.into()
    }

    /// The cut for the store: one row more than shown tells whether there is a next page.
    pub fn page(&self) -> Page {
        Page {
            after: self.after().map(str::to_owned),
            limit: i64::from(self.query.limit) + 1,
        }
    }

    /// Cuts the surplus row off and names the next page, if there is one.
    pub fn cut<T>(&self, rows: &mut Vec<T>, key: impl Fn(&T) -> String) -> Option<String> {
        if rows.len() <= self.limit() {
            return None;
        }
        rows.truncate(self.limit());
        rows.last().map(|last| self.cursor_after(key(last)))
    }

    /// The cursor of the page after a key.
    pub fn cursor_after(&self, key: String) -> String {
        Cursor {
            list: self.list.clone(),
            instant: self.instant(),
            after: key,
        }
        .encode()
    }

    /// The same for rows that are still to be shown.
    pub fn cut_and_show<T, V: Serialize>(
        &self,
        mut rows: Vec<T>,
        key: impl Fn(&T) -> String,
        show: impl Fn(&T) -> V,
    ) -> (Vec<V>, Option<String>) {
        let next_cursor = self.cut(&mut rows, key);
        (rows.iter().map(show).collect(), next_cursor)
    }
}
