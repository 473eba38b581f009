//! What can be asked, and what is answered.

use std::sync::Arc;

use redb::{ReadTransaction, ReadableTable, ReadableTableMetadata};
use rollfold_core::Span;
use rollfold_core::model::ThreadItem;

use super::candidates::Candidates;
use super::cursor::{Anchor, digest_of};
use super::look::Search;
use super::query::parse;
use super::snippet::Snippet;
use super::texts::{TextKind, TextKinds};
use super::threads::Due;
use crate::error::{SearchError, StoreError};
use crate::page::ItemAt;
use crate::schema;
use crate::store::Store;

/// Logs that are named as being behind.
const BEHIND_NAMED_MAX: usize = 100;

/// What to search for, and where.
#[derive(Debug, Clone, Copy)]
pub struct SearchRequest<'r> {
    /// Words; `"phrases"`; `beginnings*`. An item must have them all.
    pub query: &'r str,
    /// Only in these logs, by key; none for all.
    pub threads: Option<&'r [&'r str]>,
    /// Only in texts of these kinds.
    pub kinds: TextKinds,
    /// Hits of a page; at least one.
    pub limit: usize,
    /// The cursor of the page before; none for the first.
    pub cursor: Option<&'r str>,
    /// Items that are read for one page, at most: a page that ends for that has a cursor, and
    /// perhaps no hit. None for no bound.
    pub items_max: Option<u64>,
}

impl<'r> SearchRequest<'r> {
    /// A request for the first page of all that is not injected.
    #[must_use]
    pub fn new(query: &'r str) -> Self {
        let kinds = TextKinds::default();
        Self { query, threads: None, kinds, limit: 20, cursor: None, items_max: None }
    }
}

/// Part of what was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchPage {
    /// The hits: those of the newest turns first, within a turn the last item first.
    pub hits: Vec<Hit>,
    /// Goes on behind the last hit; none if there is no more.
    pub next_cursor: Option<String>,
    /// Logs of which the newest lines were not searched.
    pub behind: Behind,
    /// Items that were read.
    pub items_read: u64,
}

/// Logs that the index does not have up to their end.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Behind {
    /// How many, among those that were asked for.
    pub len: u64,
    /// The keys of some: all if they are few.
    pub keys: Vec<String>,
}

/// An item that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// The log's key.
    pub key: Arc<str>,
    /// Which generation of the log.
    pub generation: u32,
    /// Which item.
    pub at: ItemAt,
    /// Its turn's id.
    pub turn_id: Arc<str>,
    /// When its turn began, in Unix seconds; none if the log does not say.
    pub started_at: Option<i64>,
    /// The line that made the item what it is.
    pub seq: u64,
    /// That line's bytes.
    pub span: Span,
    /// The item.
    pub item: Arc<ThreadItem>,
    /// What kind of text the snippet is of.
    pub kind: TextKind,
    /// The text around what was found.
    pub snippet: Snippet,
}

impl Store {
    /// Searches what every thread says now, in the newest generation of its log.
    ///
    /// Hits come in a total order that no sync changes: the newest turn first, by when it began,
    /// then by thread, turn and item. A page goes on behind the hit that its cursor names, whatever
    /// was added meanwhile.
    ///
    /// # Errors
    /// When there is nothing to look for, when the cursor is not good for this search, or when the
    /// store cannot be read.
    pub fn search(&self, request: &SearchRequest<'_>) -> Result<SearchPage, SearchError> {
        let terms = parse(request.query);
        if terms.is_empty() {
            return Err(SearchError::Nothing { query: request.query.to_owned() });
        }
        let digest = digest_of(request);
        let anchor = request.cursor.map(|cursor| Anchor::parse(cursor, digest)).transpose()?;
        let read = self.begin_read()?;
        let mut search = Search::open(&read, request, &terms, anchor)?;
        let mut candidates = Candidates::open(&read, &terms)?;
        while let Some(turn) = candidates.next(request.kinds)? {
            if search.may_want(&turn) && !search.turn(&turn)? {
                break;
            }
        }
        let next_cursor = search.next.map(|anchor| anchor.text(digest));
        let behind = behind(&read, &search)?;
        Ok(SearchPage { hits: search.hits, next_cursor, behind, items_read: search.items_read })
    }
}

fn behind(read: &ReadTransaction, search: &Search<'_>) -> Result<Behind, StoreError> {
    let due = read.open_table(schema::SEARCH_DUE)?;
    let mut behind = Behind::default();
    match &search.wanted {
        None => {
            behind.len = due.len()?;
            for row in due.iter()?.take(BEHIND_NAMED_MAX) {
                let (thread, row) = row?;
                behind.keys.push(Due::read(thread.value(), row.value())?.key);
            }
        }
        Some(wanted) => {
            for thread in wanted {
                let Some(row) = due.get(*thread)? else { continue };
                behind.len += 1;
                if behind.keys.len() < BEHIND_NAMED_MAX {
                    behind.keys.push(Due::read(*thread, row.value())?.key);
                }
            }
        }
    }
    Ok(behind)
}
