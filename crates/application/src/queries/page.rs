//! The pages of lists: the request for a page, and the page that a query returns.

/// A request for one page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageRequest<P> {
    /// The position of the last item of the page before; `None` asks for the first page.
    pub after: Option<P>,
    /// The largest number of items of the page.
    pub limit: usize,
}

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T, P> {
    /// The items, in the order of the list.
    pub items: Vec<T>,
    /// The position after which the next page starts; `None` for the last page.
    pub next: Option<P>,
}

impl<P> PageRequest<P> {
    /// Returns how many rows to read: one more than the page holds, which tells whether there is a next page.
    pub(crate) fn rows(&self) -> i64 {
        i64::try_from(self.limit).map_or(i64::MAX, |limit| limit.saturating_add(1))
    }

    /// Returns whether an item at `position` belongs to this page or to a later one.
    pub(crate) fn is_after(&self, position: &P) -> bool
    where
        P: PartialOrd,
    {
        self.after.as_ref().is_none_or(|after| position > after)
    }
}

impl<T, P> Page<T, P> {
    /// Cuts rows off beyond the limit; if rows were cut off, the next page starts after the last item kept.
    pub(crate) fn cut(
        mut rows: Vec<T>,
        request: &PageRequest<P>,
        position: impl FnOnce(&T) -> P,
    ) -> Self {
        let next = if rows.len() > request.limit {
            rows.truncate(request.limit);
            rows.last().map(position)
        } else {
            None
        };
        Self { items: rows, next }
    }
}
