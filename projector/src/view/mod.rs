//! Rows of one thread as of one line, over one read transaction: which versions can be seen, and
//! what comes before and after them.
//!
//! Turns of a thread and items of a turn are numbered in the order in which they came. So as of a
//! line the numbers that were given form a prefix, whose end a binary search finds.

use std::sync::Arc;

use redb::{AccessGuard, ReadOnlyTable, ReadTransaction};
use rollfold_core::Diagnostic;
use rollfold_core::model::{ThreadItem, TurnHead};

use crate::error::{CorruptProblem, StoreError};
use crate::rows::bodies;
use crate::rows::codec::{GONE, RowAt, decode};
use crate::rows::heads;
use crate::schema::{
    self, BlockKey, Bytes, DiagnosticKey, FactKey, ItemKey, ItemPartKey, TurnIdKey, TurnKey,
    VersionKey, WindowKey, newest_first,
};

mod facts;
mod history;
mod lines;

/// One thread as of one line.
#[derive(Clone)]
pub(crate) struct View {
    thread: u32,
    /// The last line that is seen; `None` sees nothing.
    newest: Option<u64>,
    tables: Arc<Tables>,
}

struct Tables {
    turns: ReadOnlyTable<TurnKey, Bytes>,
    items: ReadOnlyTable<ItemKey, Bytes>,
    item_parts: ReadOnlyTable<ItemPartKey, Bytes>,
    turn_ids: ReadOnlyTable<TurnIdKey, Option<u32>>,
    live_turns: ReadOnlyTable<(u32, u32), (u32, u32)>,
    facts: ReadOnlyTable<FactKey, Bytes>,
    inheritance: ReadOnlyTable<VersionKey, Bytes>,
    windows: ReadOnlyTable<WindowKey, Bytes>,
    world: ReadOnlyTable<VersionKey, Bytes>,
    usage: ReadOnlyTable<BlockKey, Bytes>,
    lines: ReadOnlyTable<BlockKey, Bytes>,
    diagnostics: ReadOnlyTable<DiagnosticKey, Bytes>,
}

/// A version of something, not decoded yet.
pub(crate) struct Version {
    pub(crate) seq: u64,
    row: AccessGuard<'static, Bytes>,
}

impl Version {
    pub(crate) fn is_gone(&self) -> bool {
        self.row.value() == GONE
    }

    pub(crate) fn row(&self) -> &[u8] {
        self.row.value()
    }
}

impl View {
    pub(crate) fn open(read: &ReadTransaction, thread: u32) -> Result<Self, StoreError> {
        let tables = Tables {
            turns: read.open_table(schema::TURNS)?,
            items: read.open_table(schema::ITEMS)?,
            item_parts: read.open_table(schema::ITEM_PARTS)?,
            turn_ids: read.open_table(schema::TURN_IDS)?,
            live_turns: read.open_table(schema::LIVE_TURNS)?,
            facts: read.open_table(schema::FACTS)?,
            inheritance: read.open_table(schema::INHERITANCE)?,
            windows: read.open_table(schema::WINDOWS)?,
            world: read.open_table(schema::WORLD)?,
            usage: read.open_table(schema::USAGE)?,
            lines: read.open_table(schema::LINES)?,
            diagnostics: read.open_table(schema::DIAGNOSTICS)?,
        };
        Ok(Self { thread, newest: Some(u64::MAX), tables: Arc::new(tables) })
    }

    /// Sees only what the first `lines` lines made.
    pub(crate) fn look_at(&mut self, lines: u64) {
        self.newest = lines.checked_sub(1);
    }

    /// Another look at the same thread.
    pub(crate) fn looking_at(&self, lines: u64) -> View {
        let mut other = self.clone();
        other.look_at(lines);
        other
    }

    /// The same look at another thread.
    pub(crate) fn of_thread(&self, thread: u32) -> View {
        View { thread, ..self.clone() }
    }

    fn is_at_head(&self) -> bool {
        self.newest == Some(u64::MAX)
    }

    // Turns

    /// The version of a turn; `None` if it has not come yet.
    pub(crate) fn turn(&self, turn: u32) -> Result<Option<Version>, StoreError> {
        let Some(newest) = self.newest else { return Ok(None) };
        let versions = (self.thread, turn, newest_first(newest))..=(self.thread, turn, u64::MAX);
        let row = self.tables.turns.range(versions)?.next().transpose()?;
        Ok(row.map(|(key, row)| Version { seq: newest_first(key.value().2), row }))
    }

    /// A turn's head; `None` if the turn is not there.
    pub(crate) fn turn_now(&self, turn: u32) -> Result<Option<TurnHead>, StoreError> {
        match self.turn(turn)? {
            Some(version) => self.head(turn, &version),
            None => Ok(None),
        }
    }

    /// Whether a turn is there.
    pub(crate) fn has_turn(&self, turn: u32) -> Result<bool, StoreError> {
        Ok(self.turn(turn)?.is_some_and(|version| !version.is_gone()))
    }

    /// What a turn's version says; `None` if the turn is gone.
    pub(crate) fn head(
        &self,
        turn: u32,
        version: &Version,
    ) -> Result<Option<TurnHead>, StoreError> {
        let key = (self.thread, turn, newest_first(version.seq));
        Ok(heads::read(version.row(), key, &self.tables.turns)?.map(|read| read.head))
    }

    /// The next turn that is there.
    pub(crate) fn turn_after(
        &self,
        after: Option<u32>,
    ) -> Result<Option<(u32, Version)>, StoreError> {
        let Some(mut turn) = after.map_or(Some(0), |after| after.checked_add(1)) else {
            return Ok(None);
        };
        if self.is_at_head() {
            let rest = (self.thread, turn)..=(self.thread, u32::MAX);
            let next = self.tables.live_turns.range(rest)?.next().transpose()?;
            return self.live_turn(next.map(|(key, _)| key.value().1));
        }
        loop {
            match self.turn(turn)? {
                Some(version) if !version.is_gone() => return Ok(Some((turn, version))),
                Some(_) if turn < u32::MAX => turn += 1,
                Some(_) | None => return Ok(None),
            }
        }
    }

    /// The turn before that is there.
    pub(crate) fn turn_before(
        &self,
        before: Option<u32>,
    ) -> Result<Option<(u32, Version)>, StoreError> {
        if self.is_at_head() {
            let rest = (self.thread, 0)..(self.thread, before.unwrap_or(u32::MAX));
            let next = self.tables.live_turns.range(rest)?.next_back().transpose()?;
            return self.live_turn(next.map(|(key, _)| key.value().1));
        }
        let mut len = match before {
            Some(before) => before,
            None => {
                let ever = (self.thread, 0, 0)..=(self.thread, u32::MAX, u64::MAX);
                let last = self.tables.turns.range(ever)?.next_back().transpose()?;
                let len = last.map_or(0, |(key, _)| key.value().1.saturating_add(1));
                prefix(len, |turn| Ok(self.turn(turn)?.is_some()))?
            }
        };
        while let Some(turn) = len.checked_sub(1) {
            if let Some(version) = self.turn(turn)?.filter(|version| !version.is_gone()) {
                return Ok(Some((turn, version)));
            }
            len = turn;
        }
        Ok(None)
    }

    fn live_turn(&self, turn: Option<u32>) -> Result<Option<(u32, Version)>, StoreError> {
        let Some(turn) = turn else { return Ok(None) };
        let at = RowAt { table: "turns", key: (self.thread, turn) };
        let version = self.turn(turn)?.ok_or_else(|| at.corrupt(CorruptProblem::Missing))?;
        Ok(Some((turn, version)))
    }

    /// The first turn there is with this id.
    pub(crate) fn turn_named(&self, id: &str) -> Result<Option<u32>, StoreError> {
        let Some(newest) = self.newest else { return Ok(None) };
        let id = id.as_bytes();
        let versions = (self.thread, id, newest_first(newest))..=(self.thread, id, u64::MAX);
        let row = self.tables.turn_ids.range(versions)?.next().transpose()?;
        Ok(row.and_then(|(_, turn)| turn.value()))
    }

    // Items

    /// The version of an item; `None` if it has not come yet.
    pub(crate) fn item(&self, turn: u32, item: u32) -> Result<Option<Version>, StoreError> {
        let Some(newest) = self.newest else { return Ok(None) };
        let first = (self.thread, turn, item, newest_first(newest));
        let last = (self.thread, turn, item, u64::MAX);
        let row = self.tables.items.range(first..=last)?.next().transpose()?;
        Ok(row.map(|(key, row)| Version { seq: newest_first(key.value().3), row }))
    }

    /// An item; `None` if it, or its turn, is not there.
    pub(crate) fn item_now(
        &self,
        turn: u32,
        item: u32,
    ) -> Result<Option<Arc<ThreadItem>>, StoreError> {
        if !self.has_turn(turn)? {
            return Ok(None);
        }
        match self.item(turn, item)? {
            Some(version) => Ok(self.body(turn, item, &version)?.map(Arc::new)),
            None => Ok(None),
        }
    }

    /// What an item's version says; `None` if the item is gone.
    pub(crate) fn body(
        &self,
        turn: u32,
        item: u32,
        version: &Version,
    ) -> Result<Option<ThreadItem>, StoreError> {
        let key = (self.thread, turn, item, newest_first(version.seq));
        let read = bodies::read(version.row(), key, &self.tables.items, &self.tables.item_parts)?;
        Ok(read.map(|read| read.value))
    }

    /// The next item of a turn that is there.
    pub(crate) fn item_after(
        &self,
        turn: u32,
        after: Option<u32>,
    ) -> Result<Option<(u32, Version)>, StoreError> {
        let Some(mut item) = after.map_or(Some(0), |after| after.checked_add(1)) else {
            return Ok(None);
        };
        loop {
            match self.item(turn, item)? {
                Some(version) if !version.is_gone() => return Ok(Some((item, version))),
                Some(_) if item < u32::MAX => item += 1,
                Some(_) | None => return Ok(None),
            }
        }
    }

    /// The item of a turn before that is there.
    pub(crate) fn item_before(
        &self,
        turn: u32,
        before: Option<u32>,
    ) -> Result<Option<(u32, Version)>, StoreError> {
        let mut len = match before {
            Some(before) => before,
            None => self.len_items_ever(turn)?,
        };
        while let Some(item) = len.checked_sub(1) {
            if let Some(version) = self.item(turn, item)?.filter(|version| !version.is_gone()) {
                return Ok(Some((item, version)));
            }
            len = item;
        }
        Ok(None)
    }

    /// Items a turn has, those that are gone included.
    pub(crate) fn len_items_ever(&self, turn: u32) -> Result<u32, StoreError> {
        let ever = (self.thread, turn, 0, 0)..=(self.thread, turn, u32::MAX, u64::MAX);
        let last = self.tables.items.range(ever)?.next_back().transpose()?;
        let len = last.map_or(0, |(key, _)| key.value().2.saturating_add(1));
        prefix(len, |item| Ok(self.item(turn, item)?.is_some()))
    }

    // Diagnostics

    /// The first diagnostic at a place or behind it: line, place on the line.
    pub(crate) fn diagnostic_from(
        &self,
        first: (u64, u32),
    ) -> Result<Option<(DiagnosticKey, Diagnostic)>, StoreError> {
        let Some(newest) = self.newest.filter(|newest| first.0 <= *newest) else {
            return Ok(None);
        };
        let rest = (self.thread, first.0, first.1)..=(self.thread, newest, u32::MAX);
        let Some((key, row)) = self.tables.diagnostics.range(rest)?.next().transpose()? else {
            return Ok(None);
        };
        let at = RowAt { table: "diagnostics", key: key.value() };
        let value = decode(row.value(), &at)?;
        Ok(Some((at.key, value.ok_or_else(|| at.corrupt(CorruptProblem::Missing))?)))
    }
}

/// How many of the numbers `0..len` are there, when those that are there come first.
fn prefix<N: Copy + Ord + Into<u64> + TryFrom<u64> + Default>(
    len: N,
    is_there: impl Fn(N) -> Result<bool, StoreError>,
) -> Result<N, StoreError> {
    let number = |number: u64| N::try_from(number).unwrap_or(len);
    let Some(last) = len.into().checked_sub(1) else { return Ok(N::default()) };
    if is_there(number(last))? {
        return Ok(len);
    }
    let (mut there, mut missing) = (0, last);
    while there < missing {
        let middle = there + (missing - there) / 2;
        if is_there(number(middle))? {
            there = middle + 1;
        } else {
            missing = middle;
        }
    }
    Ok(number(there))
}
