//! Lists of threads in a total order - a time, then the id - with cursors that name a place in it:
//! so pages neither skip nor repeat a thread, however many share a time or come while paging.

use std::sync::Arc;

use super::Library;
use super::catalog::{Rank, rank};
use super::entry::ThreadEntry;
use super::filter::{ThreadFilter, ThreadTime};
use crate::error::QueryError;
use crate::page::Order;
use crate::query::{CursorProblem, LIST_LIMIT, LIST_LIMIT_MAX, List};

/// Which part of the list of threads is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThreadsRequest<'r> {
    /// Which threads.
    pub filter: ThreadFilter,
    /// By which time they are ordered; those that have none stand where the oldest do.
    pub sort: ThreadTime,
    /// Which way.
    pub order: Order,
    /// A cursor of an earlier list with the same sort; none for the beginning. A
    /// `backwards_cursor` is for the other order.
    pub cursor: Option<&'r str>,
    /// How many; [`LIST_LIMIT`] by default, from 1 to [`LIST_LIMIT_MAX`] (R206).
    pub limit: Option<u32>,
}

impl Default for ThreadsRequest<'_> {
    fn default() -> Self {
        Self {
            filter: ThreadFilter::default(),
            sort: ThreadTime::default(),
            order: Order::NewestFirst,
            cursor: None,
            limit: None,
        }
    }
}

/// The first part of every cursor; another number is another spelling.
const SPELLING: &str = "r1";

impl Library {
    /// A part of the list of threads, by what the library saw last ([`Library::refresh`]).
    ///
    /// # Errors
    /// When the cursor is not good for this list.
    pub fn threads(
        &self,
        request: &ThreadsRequest<'_>,
    ) -> Result<List<Arc<ThreadEntry>>, QueryError> {
        let ThreadsRequest { filter, sort, order, cursor, limit } = request;
        let limit = limit.unwrap_or(LIST_LIMIT).clamp(1, LIST_LIMIT_MAX) as usize;
        let anchor = cursor.map(|cursor| place(*sort, cursor)).transpose()?;
        let catalog = self.catalog();
        let sieve = catalog.sieve(filter);
        let (mut rows, mut is_more) = (Vec::new(), false);
        // An anchor that is to be seen again is one place further back than any of its time.
        let included = anchor.as_ref().filter(|(_, is_included)| *is_included);
        if let Some((rank, _)) = included
            && let Some(entry) = catalog.thread(&rank.1)
            && super::catalog::rank(*sort, entry) == *rank
            && catalog.left_out(&rank.1, &sieve).is_none()
        {
            rows.push(entry.clone());
        }
        let after = anchor.as_ref().map(|(rank, _)| rank);
        for entry in catalog.walk(*sort, *order, after, &sieve) {
            if rows.len() == limit {
                is_more = true;
                break;
            }
            rows.push(entry.clone());
        }
        let spell = |entry: Option<&Arc<ThreadEntry>>, mark| {
            entry.map(|entry| spell(*sort, &rank(*sort, entry), mark))
        };
        Ok(List {
            next_cursor: spell(rows.last().filter(|_| is_more), "after"),
            backwards_cursor: spell(rows.first(), "from"),
            rows,
        })
    }
}

/// `r1.threads.<sort>.<from|after>.<ms or none>.<id>`
fn spell(sort: ThreadTime, (at, id): &Rank, mark: &str) -> String {
    let at = at.map_or_else(|| "none".to_owned(), |at| at.to_string());
    format!("{SPELLING}.threads.{}.{mark}.{at}.{id}", sort.as_str())
}

/// The place that a cursor names, and whether it is of the page.
fn place(sort: ThreadTime, cursor: &str) -> Result<(Rank, bool), QueryError> {
    let bad = |problem| QueryError::Cursor { cursor: cursor.to_owned(), problem };
    let malformed = || bad(CursorProblem::Malformed);
    let parts: Vec<&str> = cursor.splitn(6, '.').collect();
    let [SPELLING, list, of, mark, at, id] = *parts else { return Err(malformed()) };
    let is_included = match mark {
        "from" => true,
        "after" => false,
        _ => return Err(malformed()),
    };
    let at = match at {
        "none" => None,
        at => Some(at.parse().map_err(|_| malformed())?),
    };
    if list != "threads" || of != sort.as_str() {
        return Err(bad(CursorProblem::OtherList));
    }
    Ok(((at, id.into()), is_included))
}
