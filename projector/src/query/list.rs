//! Lists for clients: pages with cursors that are text (SEMANTICS R43, A16).
//!
//! A cursor names a place by numbers that are never reused. So it stays good while the log grows;
//! if what it names was rolled back, the list goes on at its place.

use rollfold_core::model::ItemsView;
use rollfold_core::{ItemNo, TurnNo};

use super::ThreadView;
use crate::error::QueryError;
use crate::page::{ItemAt, ItemRow, Order, Paging, TurnRow};

/// Rows of a list when the caller does not say how many.
pub const LIST_LIMIT: u32 = 25;
/// The most rows of one list.
pub const LIST_LIMIT_MAX: u32 = 100;

/// Which part of a list a client wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ListRequest<'c> {
    /// A cursor of an earlier list of the same thread; none for the beginning.
    pub cursor: Option<&'c str>,
    /// How many rows; [`LIST_LIMIT`] by default, from 1 to [`LIST_LIMIT_MAX`].
    pub limit: Option<u32>,
    /// Which way.
    pub order: Order,
}

/// Part of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// Goes on behind the last row; none if there are no more.
    pub next_cursor: Option<String>,
    /// Goes the other way from the first row on, that row included; none if there are no rows.
    pub backwards_cursor: Option<String>,
}

/// What a cursor is not good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CursorProblem {
    /// It was not made by a list.
    #[error("it is no cursor")]
    Malformed,
    /// It belongs to a list of something else.
    #[error("it belongs to another list")]
    OtherList,
    /// It belongs to another thread.
    #[error("it belongs to another thread")]
    OtherThread,
    /// The log was rewritten since; numbers mean something else now.
    #[error("the log was rewritten since; begin again")]
    OtherGeneration,
}

/// The first part of every cursor; another number is another spelling.
const SPELLING: &str = "r1";

/// A place in a list, and whether the page begins with it or behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Anchor<K> {
    at: K,
    is_included: bool,
}

/// The numbers of a place.
trait Place: Copy {
    const LIST: &'static str;
    fn numbers(self) -> (u32, u32);
    fn of(numbers: (u32, u32)) -> Self;
    /// The place just before this one in the list's order, by number.
    fn before(self, order: Order) -> Option<Self>;
}

impl Place for TurnNo {
    const LIST: &'static str = "turns";

    fn numbers(self) -> (u32, u32) {
        (self.0, 0)
    }

    fn of((turn, _): (u32, u32)) -> Self {
        Self(turn)
    }

    fn before(self, order: Order) -> Option<Self> {
        match order {
            Order::OldestFirst => self.0.checked_sub(1).map(Self),
            Order::NewestFirst => self.0.checked_add(1).map(Self),
        }
    }
}

impl Place for ItemAt {
    const LIST: &'static str = "items";

    fn numbers(self) -> (u32, u32) {
        (self.turn.0, self.item.0)
    }

    fn of((turn, item): (u32, u32)) -> Self {
        Self { turn: TurnNo(turn), item: ItemNo(item) }
    }

    fn before(self, order: Order) -> Option<Self> {
        let (turn, item) = self.numbers();
        match order {
            Order::OldestFirst => match item.checked_sub(1) {
                Some(item) => Some(Self::of((turn, item))),
                None => turn.checked_sub(1).map(|turn| Self::of((turn, u32::MAX))),
            },
            Order::NewestFirst => item.checked_add(1).map(|item| Self::of((turn, item))),
        }
    }
}

impl ThreadView {
    /// A part of the list of turns, with the items of `items`.
    ///
    /// # Errors
    /// When the cursor is not good for this list, or the store cannot be read.
    pub fn list_turns(
        &self,
        request: &ListRequest<'_>,
        items: ItemsView,
    ) -> Result<List<TurnRow>, QueryError> {
        let paging = self.paging(request)?;
        let page = self.turns_page(&paging, items)?;
        let (first, last) = (page.rows.first(), page.rows.last());
        Ok(List {
            next_cursor: self.cursor(page.next.and(last.map(|row| row.turn)), false),
            backwards_cursor: self.cursor(first.map(|row| row.turn), true),
            rows: page.rows,
        })
    }

    /// A part of the list of the items of one turn, or of the whole thread.
    ///
    /// # Errors
    /// When the cursor is not good for this list, or the store cannot be read.
    pub fn list_items(
        &self,
        turn: Option<TurnNo>,
        request: &ListRequest<'_>,
    ) -> Result<List<ItemRow>, QueryError> {
        let paging = self.paging(request)?;
        let page = self.items_page(turn, &paging)?;
        let (first, last) = (page.rows.first(), page.rows.last());
        Ok(List {
            next_cursor: self.cursor(page.next.and(last.map(|row| row.at)), false),
            backwards_cursor: self.cursor(first.map(|row| row.at), true),
            rows: page.rows,
        })
    }

    fn paging<K: Place>(&self, request: &ListRequest<'_>) -> Result<Paging<K>, QueryError> {
        let limit = request.limit.unwrap_or(LIST_LIMIT).clamp(1, LIST_LIMIT_MAX);
        let anchor = request.cursor.map(|cursor| self.anchor::<K>(cursor)).transpose()?;
        let after = anchor.and_then(|anchor| match anchor.is_included {
            true => anchor.at.before(request.order),
            false => Some(anchor.at),
        });
        Ok(Paging { after, limit: limit as usize, order: request.order })
    }

    fn cursor<K: Place>(&self, at: Option<K>, is_included: bool) -> Option<String> {
        let (turn, item) = at?.numbers();
        let (thread, generation) = (self.digest(), self.generation());
        let mark = if is_included { "from" } else { "after" };
        let list = K::LIST;
        Some(format!("{SPELLING}.{list}.{thread:016x}.{generation}.{mark}.{turn}.{item}"))
    }

    fn anchor<K: Place>(&self, cursor: &str) -> Result<Anchor<K>, QueryError> {
        let bad = |problem| QueryError::Cursor { cursor: cursor.to_owned(), problem };
        let malformed = || bad(CursorProblem::Malformed);
        let parts: Vec<&str> = cursor.split('.').collect();
        let [SPELLING, list, thread, generation, mark, turn, item] = *parts else {
            return Err(malformed());
        };
        let number = |text: &str| text.parse::<u32>().map_err(|_| malformed());
        let is_included = match mark {
            "from" => true,
            "after" => false,
            _ => return Err(malformed()),
        };
        let generation = number(generation)?;
        let at = K::of((number(turn)?, number(item)?));
        let thread = u64::from_str_radix(thread, 16).map_err(|_| malformed())?;
        if list != K::LIST {
            return Err(bad(CursorProblem::OtherList));
        }
        if thread != self.digest() {
            return Err(bad(CursorProblem::OtherThread));
        }
        if generation != self.generation() {
            return Err(bad(CursorProblem::OtherGeneration));
        }
        Ok(Anchor { at, is_included })
    }

    /// What tells this thread's cursors from those of others.
    fn digest(&self) -> u64 {
        xxhash_rust::xxh3::xxh3_64(self.key().as_bytes())
    }
}
