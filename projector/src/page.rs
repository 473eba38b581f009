//! Pages: parts of lists, the places in them, and the walk that makes them.

use std::sync::Arc;

use rollfold_core::model::{ThreadItem, Turn};
use rollfold_core::{ItemNo, TurnNo};

/// Which way a list is paged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// As it happened.
    #[default]
    OldestFirst,
    /// The newest first.
    NewestFirst,
}

/// Which part of a list is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paging<K> {
    /// The place behind which the page begins, in its order; it need not be there any more.
    pub after: Option<K>,
    /// How many, at most; at least one.
    pub limit: usize,
    /// Which way.
    pub order: Order,
}

impl<K> Default for Paging<K> {
    fn default() -> Self {
        Self { after: None, limit: 50, order: Order::default() }
    }
}

/// Part of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T, K> {
    /// The rows.
    pub rows: Vec<T>,
    /// Where the next page begins; `None` if this is the last one.
    pub next: Option<K>,
}

/// The place of an item in its thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ItemAt {
    /// In which turn.
    pub turn: TurnNo,
    /// Which item.
    pub item: ItemNo,
}

/// The place of a diagnostic in its log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DiagnosticAt {
    /// Lines before its line.
    pub seq: u64,
    /// Diagnostics before it on its line.
    pub place: u32,
}

/// What one log was, from when it was first synced or rewritten to when it was rewritten again.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Generation {
    /// The log's key.
    pub key: String,
    /// Rewrites before it.
    pub number: u32,
}

/// A turn and when it became what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TurnRow {
    /// Which turn.
    pub turn: TurnNo,
    /// The line that last changed its head.
    pub seq: u64,
    /// The turn.
    pub value: Turn,
}

/// An item and when it became what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemRow {
    /// Which item.
    pub at: ItemAt,
    /// Its turn's id.
    pub turn_id: Arc<str>,
    /// The line that last changed it.
    pub seq: u64,
    /// The item.
    pub value: Arc<ThreadItem>,
}

/// Walks a list; looks one step beyond the page, so that the last page says that it is the last.
pub(crate) fn walk<K: Copy, V, T, E>(
    paging: &Paging<K>,
    step: impl Fn(Option<K>) -> Result<Option<(K, V)>, E>,
    mut read: impl FnMut(K, V) -> Result<T, E>,
) -> Result<Page<T, K>, E> {
    let mut page = Page { rows: Vec::new(), next: None };
    let mut at = paging.after;
    while let Some((key, value)) = step(at)? {
        if page.rows.len() >= paging.limit.max(1) {
            page.next = at;
            break;
        }
        page.rows.push(read(key, value)?);
        at = Some(key);
    }
    Ok(page)
}
