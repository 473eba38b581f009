//! Questions: pages of turns and items, now or as of any line, out of rows; nothing is replayed.

use std::cell::Cell;
use std::sync::Arc;

use rollfold_core::model::{
    ContextCompactionItem, Fact, ItemsView, ThreadItem, Turn, TurnHead, World, WorldChange,
};
use rollfold_core::{Change, Diagnostic, FoldState, ItemNo, Snapshot, TurnNo, UnknownHistoryMode};

use crate::cursor::Cursor;
use crate::error::{CorruptProblem, QueryError, StoreError};
use crate::page::{DiagnosticAt, Generation, ItemAt, ItemRow, Order, Page, Paging, TurnRow, walk};
use crate::rows::codec::{RowAt, may_be_message};
use crate::schema;
use crate::store::{Known, Store, generation, newest_generation};
use crate::view::{Version, View};

mod changes;
mod list;
mod model;

pub use changes::{Diff, Differing, LineChanges, MadeBy};
pub use list::{CursorProblem, LIST_LIMIT, LIST_LIMIT_MAX, List, ListRequest};
pub use model::{LineAt, WindowRow};

/// One generation of one log, as the store had it when the view was taken.
pub struct ThreadView {
    cursor: Cursor,
    view: View,
}

impl std::fmt::Debug for ThreadView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ThreadView").field("cursor", &self.cursor).finish_non_exhaustive()
    }
}

impl Store {
    /// The newest generation of a log; `None` if it was never synced.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn thread(&self, key: &str) -> Result<Option<ThreadView>, QueryError> {
        let read = self.begin_read()?;
        let threads = read.open_table(schema::THREADS).map_err(StoreError::from)?;
        let cursors = read.open_table(schema::CURSORS).map_err(StoreError::from)?;
        let known = newest_generation(&threads, &cursors, key)?;
        known.map(|known| ThreadView::open(&read, &known)).transpose()
    }

    /// An earlier generation of a log, from before it was rewritten.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn generation(&self, key: &str, number: u32) -> Result<Option<ThreadView>, QueryError> {
        let read = self.begin_read()?;
        let threads = read.open_table(schema::THREADS).map_err(StoreError::from)?;
        let cursors = read.open_table(schema::CURSORS).map_err(StoreError::from)?;
        let known = generation(&threads, &cursors, key, number)?;
        known.map(|known| ThreadView::open(&read, &known)).transpose()
    }

    /// The generations of all logs in the store, by key and number.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn generations(
        &self,
        after: Option<&Generation>,
        limit: usize,
    ) -> Result<Page<Generation, Generation>, QueryError> {
        use std::ops::Bound::{Excluded, Unbounded};
        let read = self.begin_read()?;
        let threads = read.open_table(schema::THREADS).map_err(StoreError::from)?;
        let after = after.map(|after| (after.key.as_bytes(), after.number));
        let mut rows = threads
            .range((after.map_or(Unbounded, Excluded), Unbounded))
            .map_err(StoreError::from)?;
        let mut page = Page { rows: Vec::new(), next: None };
        while let Some(row) = rows.next().transpose().map_err(StoreError::from)? {
            if page.rows.len() >= limit.max(1) {
                page.next = page.rows.last().cloned();
                break;
            }
            let (key, number) = row.0.value();
            page.rows.push(Generation { key: String::from_utf8_lossy(key).into_owned(), number });
        }
        Ok(page)
    }
}

impl ThreadView {
    fn open(read: &redb::ReadTransaction, known: &Known) -> Result<Self, QueryError> {
        Ok(Self { cursor: known.cursor()?, view: View::open(read, known.thread)? })
    }

    /// The log's key.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.cursor.key
    }

    /// Which generation of the log this is.
    #[must_use]
    pub fn generation(&self) -> u32 {
        self.cursor.generation
    }

    /// The fold's state behind the last folded line, whatever line the view looks at: the place of
    /// the next line, the options, the counts.
    #[must_use]
    pub fn state(&self) -> &FoldState {
        &self.cursor.state
    }

    /// The same thread as it was when only the first `lines` lines were folded.
    #[must_use]
    pub fn at(mut self, lines: u64) -> Self {
        self.view.look_at(lines);
        self
    }

    /// Whether there is an answer to questions for turns and items.
    ///
    /// # Errors
    /// When turns and items were not folded, since the thread's history mode is not known.
    pub fn readable(&self) -> Result<(), QueryError> {
        match self.view.fact(Fact::UnknownMode(None).number())? {
            Some(Fact::UnknownMode(Some(mode))) => Err(QueryError::UnknownHistoryMode {
                key: self.key().to_owned(),
                source: UnknownHistoryMode { mode },
            }),
            _ => Ok(()),
        }
    }

    /// A page of turns, with the items of `items`.
    ///
    /// # Errors
    /// When the store cannot be read, or the thread's history mode is not known.
    pub fn turns_page(
        &self,
        paging: &Paging<TurnNo>,
        items: ItemsView,
    ) -> Result<Page<TurnRow, TurnNo>, QueryError> {
        self.readable()?;
        walk(
            paging,
            |after| {
                Ok(self
                    .step_turn(after.map(|after| after.0), paging.order)?
                    .map(|(turn, version)| (TurnNo(turn), version)))
            },
            |turn, version| self.turn_row(turn.0, &version, items),
        )
    }

    /// All turns in order, with the items of `items`, read one by one; nothing but an error if the
    /// thread's history mode is not known.
    pub fn turns(
        &self,
        items: ItemsView,
    ) -> impl Iterator<Item = Result<TurnRow, QueryError>> + use<'_> {
        let mut after = None;
        let mut is_done = false;
        std::iter::from_fn(move || {
            if is_done {
                return None;
            }
            let next = self.readable().and_then(|()| Ok(self.view.turn_after(after)?));
            let row = match next {
                Ok(None) => return None,
                Ok(Some((turn, version))) => {
                    after = Some(turn);
                    self.turn_row(turn, &version, items)
                }
                Err(error) => Err(error),
            };
            is_done = row.is_err();
            Some(row)
        })
    }

    /// The first turn there is with this id.
    ///
    /// # Errors
    /// When the store cannot be read, or the thread's history mode is not known.
    pub fn turn(&self, id: &str, items: ItemsView) -> Result<Option<TurnRow>, QueryError> {
        self.readable()?;
        let Some(turn) = self.view.turn_named(id)? else { return Ok(None) };
        let Some(version) = self.view.turn(turn)? else { return Ok(None) };
        self.turn_row(turn, &version, items).map(Some)
    }

    /// A page of the items of one turn, or of the whole thread.
    ///
    /// # Errors
    /// When the store cannot be read, or the thread's history mode is not known.
    pub fn items_page(
        &self,
        turn: Option<TurnNo>,
        paging: &Paging<ItemAt>,
    ) -> Result<Page<ItemRow, ItemAt>, QueryError> {
        self.readable()?;
        let mut head: Option<(u32, Arc<str>)> = None;
        let live = Cell::new(None);
        walk(
            paging,
            |after| self.step_item(turn, after, paging.order, &live),
            |at, version| {
                let ItemAt { turn, item } = at;
                let turn_id = match &head {
                    Some((number, id)) if *number == turn.0 => id.clone(),
                    _ => {
                        let id = self.head(turn.0)?.id;
                        head.insert((turn.0, id)).1.clone()
                    }
                };
                let value = Arc::new(self.body(turn.0, item.0, &version)?);
                Ok(ItemRow { at, turn_id, seq: version.seq, value })
            },
        )
    }

    /// A page of what was odd about the log; always in the order of the log.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn diagnostics_page(
        &self,
        after: Option<DiagnosticAt>,
        limit: usize,
    ) -> Result<Page<Diagnostic, DiagnosticAt>, QueryError> {
        let paging = Paging { after, limit, order: Order::OldestFirst };
        walk(
            &paging,
            |after| {
                let first = after.map_or((0, 0), |at| (at.seq, at.place.saturating_add(1)));
                let found = self.view.diagnostic_from(first)?;
                Ok(found.map(|((_, seq, place), value)| (DiagnosticAt { seq, place }, value)))
            },
            |_, value| Ok(value),
        )
    }

    /// The whole thread as a value: for callers that hold one anyway.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn snapshot(&self) -> Result<Snapshot, QueryError> {
        let mut snapshot = Snapshot::default();
        let mut apply = |change: Change| {
            let key = || self.key().to_owned();
            snapshot.apply(&change).map_err(|source| QueryError::Rows { key: key(), source })
        };
        let mut after = None;
        while let Some((number, version)) = self.view.turn_after(after)? {
            after = Some(number);
            let turn = TurnNo(number);
            let head = self.decode_head(number, &version)?;
            let turn_id = head.id.clone();
            apply(Change::TurnPut { turn, head })?;
            for place in 0..self.view.len_items_ever(number)? {
                let item = ItemNo(place);
                let Some(version) = self.view.item(number, place)? else { break };
                if let Some(value) = self.view.body(number, place, &version)? {
                    let (turn_id, value) = (turn_id.clone(), Arc::new(value));
                    apply(Change::ItemPut { turn, turn_id, item, value })?;
                } else {
                    // A snapshot takes items in order: what is gone was there before.
                    let id = Arc::from("");
                    let value = ContextCompactionItem { id: String::new() };
                    let value = Arc::new(ThreadItem::ContextCompaction(value));
                    apply(Change::ItemPut { turn, turn_id: turn_id.clone(), item, value })?;
                    apply(Change::ItemRemoved { turn, turn_id: turn_id.clone(), item, id })?;
                }
            }
        }
        for number in 0..Fact::LEN {
            let fact = self.view.fact(number)?;
            fact.map(|fact| apply(Change::Thread(fact))).transpose()?;
        }
        apply(Change::Inheritance(self.view.inheritance()?))?;
        if let World::Known(value) = self.view.world()? {
            apply(Change::World(WorldChange::Set(value)))?;
        }
        for row in self.windows()? {
            apply(Change::Window(row.value))?;
        }
        self.view.each_entry(0, self.view.len_usage()?, |entry, _| {
            apply(Change::Usage(Arc::new(entry)))
        })?;
        self.view.each_line(0, u64::MAX, |line| {
            let mut records = line.records.iter();
            let applied = records.try_for_each(|record| snapshot.apply_record(record));
            applied.map_err(|source| QueryError::Rows { key: self.key().to_owned(), source })
        })?;
        Ok(snapshot)
    }

    fn step_turn(
        &self,
        from: Option<u32>,
        order: Order,
    ) -> Result<Option<(u32, Version)>, QueryError> {
        Ok(match order {
            Order::OldestFirst => self.view.turn_after(from)?,
            Order::NewestFirst => self.view.turn_before(from)?,
        })
    }

    /// The item behind `from`, in its turn or in the next turn that has one. `live` is a turn that
    /// was seen to be there.
    fn step_item(
        &self,
        turn: Option<TurnNo>,
        from: Option<ItemAt>,
        order: Order,
        live: &Cell<Option<u32>>,
    ) -> Result<Option<(ItemAt, Version)>, QueryError> {
        let is_there = |turn: u32| -> Result<bool, QueryError> {
            if live.get() != Some(turn) {
                let version = self.view.turn(turn)?;
                live.set(version.filter(|version| !version.is_gone()).map(|_| turn));
            }
            Ok(live.get() == Some(turn))
        };
        let mut from = from.filter(|from| turn.is_none_or(|turn| turn == from.turn));
        let mut next = match (turn, from) {
            (Some(turn), _) => Some(turn.0),
            (None, Some(from)) => Some(from.turn.0),
            (None, None) => self.step_turn(None, order)?.map(|(turn, _)| turn),
        };
        while let Some(number) = next {
            let from = from.take().map(|from| from.item.0);
            let item = match order {
                _ if !is_there(number)? => None,
                Order::OldestFirst => self.view.item_after(number, from)?,
                Order::NewestFirst => self.view.item_before(number, from)?,
            };
            if let Some((item, version)) = item {
                let at = ItemAt { turn: TurnNo(number), item: ItemNo(item) };
                return Ok(Some((at, version)));
            }
            next = match turn {
                Some(_) => None,
                None => self.step_turn(Some(number), order)?.map(|(turn, _)| turn),
            };
        }
        Ok(None)
    }

    fn turn_row(
        &self,
        turn: u32,
        version: &Version,
        items: ItemsView,
    ) -> Result<TurnRow, QueryError> {
        let head = self.decode_head(turn, version)?;
        let values = match items {
            ItemsView::NotLoaded => Vec::new(),
            ItemsView::Summary => self.items_of(turn, |version| may_be_message(version.row()))?,
            ItemsView::Full => self.items_of(turn, |_| true)?,
        };
        let value = Turn::new(&head, values, items);
        Ok(TurnRow { turn: TurnNo(turn), seq: version.seq, value })
    }

    fn items_of(
        &self,
        turn: u32,
        is_wanted: impl Fn(&Version) -> bool,
    ) -> Result<Vec<Arc<ThreadItem>>, QueryError> {
        let mut values = Vec::new();
        let mut after = None;
        while let Some((item, version)) = self.view.item_after(turn, after)? {
            after = Some(item);
            if is_wanted(&version) {
                values.push(Arc::new(self.body(turn, item, &version)?));
            }
        }
        Ok(values)
    }

    fn head(&self, turn: u32) -> Result<TurnHead, QueryError> {
        let at = RowAt { table: "turns", key: turn };
        let version = self.view.turn(turn)?;
        let version = version.ok_or_else(|| at.corrupt(CorruptProblem::Missing))?;
        self.decode_head(turn, &version)
    }

    fn decode_head(&self, turn: u32, version: &Version) -> Result<TurnHead, QueryError> {
        let at = RowAt { table: "turns", key: (turn, version.seq) };
        let head = self.view.head(turn, version)?;
        Ok(head.ok_or_else(|| at.corrupt(CorruptProblem::Missing))?)
    }

    fn body(&self, turn: u32, item: u32, version: &Version) -> Result<ThreadItem, QueryError> {
        let at = RowAt { table: "items", key: (turn, item, version.seq) };
        let body = self.view.body(turn, item, version)?;
        Ok(body.ok_or_else(|| at.corrupt(CorruptProblem::Missing))?)
    }
}
