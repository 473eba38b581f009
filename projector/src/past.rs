//! The past of one thread, answered from its rows: what [`rollfold_core::Index`] is in memory.
//!
//! Works on the tables of an open write transaction, so that answers take in what the same
//! transaction wrote. No question walks more rows than its answer is about.

use std::sync::Arc;

use redb::{AccessGuard, ReadableTable, Table, WriteTransaction};
use rollfold_core::model::{ThreadItem, TurnHead};
use rollfold_core::{At, Change, ItemNo, Past, PastTurn, Place, Step, TurnNo};

use crate::error::{CorruptProblem, StoreError};
use crate::rows::bodies::{self, Bodies};
use crate::rows::codec::RowAt;
use crate::rows::facts::FactRows;
use crate::rows::heads::{self, Heads};
use crate::rows::ledger::LedgerWriter;
use crate::rows::lines::LineWriter;
use crate::rows::summary::SummaryWriter;
use crate::rows::world::WorldRows;
use crate::schema::{self, ItemPlaceKey, TurnIdKey, newest_first};

/// The past of one thread and the place where its changes go.
#[derive(Debug)]
pub(crate) struct StorePast<'t> {
    thread: u32,
    heads: Heads<'t>,
    bodies: Bodies<'t>,
    turn_ids: Table<'t, TurnIdKey, Option<u32>>,
    live_turns: Table<'t, (u32, u32), (u32, u32)>,
    item_places: Table<'t, ItemPlaceKey, bool>,
    facts: FactRows<'t>,
    world: WorldRows<'t>,
    ledger: LedgerWriter<'t>,
    lines: LineWriter<'t>,
    summary: SummaryWriter<'t>,
    /// The turn that items come to, ahead of its row: most items come to the turn of the item
    /// before.
    growing: Option<(TurnNo, Tail)>,
}

/// How many items a turn has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Tail {
    next_item: u32,
    len_items: u32,
}

impl<'t> StorePast<'t> {
    /// Opens the rows of the log with this number; a new one is of this key and generation.
    pub(crate) fn open(
        write: &'t WriteTransaction,
        thread: u32,
        key: &str,
        generation: u32,
    ) -> Result<Self, StoreError> {
        Ok(Self {
            thread,
            heads: Heads::new(write.open_table(schema::TURNS)?),
            bodies: Bodies::new(
                write.open_table(schema::ITEMS)?,
                write.open_table(schema::ITEM_PARTS)?,
            ),
            turn_ids: write.open_table(schema::TURN_IDS)?,
            live_turns: write.open_table(schema::LIVE_TURNS)?,
            item_places: write.open_table(schema::ITEM_PLACES)?,
            facts: FactRows::new(
                write.open_table(schema::FACTS)?,
                write.open_table(schema::INHERITANCE)?,
                write.open_table(schema::WINDOWS)?,
            ),
            world: WorldRows::new(write.open_table(schema::WORLD)?),
            ledger: LedgerWriter::open(write.open_table(schema::USAGE)?, thread)?,
            lines: LineWriter::open(write.open_table(schema::LINES)?, thread)?,
            summary: SummaryWriter::open(write, thread, key, generation)?,
            growing: None,
        })
    }

    /// Takes a line into the index of lines, behind its changes.
    pub(crate) fn put_line(&mut self, step: &Step) -> Result<(), StoreError> {
        self.lines.push(step)
    }

    /// Writes what is held back. Without it the rows are not those of the changes.
    pub(crate) fn finish(&mut self) -> Result<(), StoreError> {
        self.ledger.finish()?;
        self.lines.finish()?;
        self.summary.finish()?;
        self.put_growing()
    }

    fn put_growing(&mut self) -> Result<(), StoreError> {
        if let Some((turn, Tail { next_item, len_items })) = self.growing.take() {
            self.live_turns.insert((self.thread, turn.0), (next_item, len_items))?;
        }
        Ok(())
    }

    /// `None` for turns that are not there.
    fn tail(&self, turn: TurnNo) -> Result<Option<Tail>, StoreError> {
        if let Some((growing, tail)) = self.growing
            && growing == turn
        {
            return Ok(Some(tail));
        }
        let row = self.live_turns.get((self.thread, turn.0))?;
        Ok(row.map(|row| {
            let (next_item, len_items) = row.value();
            Tail { next_item, len_items }
        }))
    }

    fn set_tail(&mut self, turn: TurnNo, tail: Tail) -> Result<(), StoreError> {
        if self.growing.is_some_and(|(growing, _)| growing != turn) {
            self.put_growing()?;
        }
        self.growing = Some((turn, tail));
        Ok(())
    }

    fn put_turn(&mut self, at: At, turn: TurnNo, head: &TurnHead) -> Result<(), StoreError> {
        let thread = self.thread;
        self.heads.put((thread, turn.0, newest_first(at.seq)), head)?;
        if self.tail(turn)?.is_some() {
            return Ok(());
        }
        // Its row is what makes a turn one that is there.
        self.live_turns.insert((thread, turn.0), (0, 0))?;
        if self.turn_named(&head.id)?.is_none() {
            let key = (thread, head.id.as_bytes(), newest_first(at.seq));
            self.turn_ids.insert(key, Some(turn.0))?;
        }
        Ok(())
    }

    fn remove_turn(&mut self, at: At, turn: TurnNo, id: &str) -> Result<(), StoreError> {
        let thread = self.thread;
        let Some(Tail { next_item, .. }) = self.tail(turn)? else { return Ok(()) };
        self.heads.put_gone((thread, turn.0, newest_first(at.seq)))?;
        if self.growing.is_some_and(|(growing, _)| growing == turn) {
            self.growing = None;
        }
        self.live_turns.remove((thread, turn.0))?;
        if self.turn_named(id)? == Some(turn) {
            self.turn_ids.insert((thread, id.as_bytes(), newest_first(at.seq)), None)?;
        }
        for item in 0..next_item {
            if let Some(id) = self.item_id(turn, item)? {
                self.item_places.remove((thread, id.as_bytes(), turn.0, item))?;
            }
        }
        Ok(())
    }

    /// The id of an item that is there.
    fn item_id(&self, turn: TurnNo, item: u32) -> Result<Option<String>, StoreError> {
        let versions = (self.thread, turn.0, item, 0)..=(self.thread, turn.0, item, u64::MAX);
        let Some((key, row)) = self.bodies.items.range(versions)?.next().transpose()? else {
            return Ok(None);
        };
        let Bodies { items, parts, .. } = &self.bodies;
        let read = bodies::read(row.value(), key.value(), items, &parts.table)?;
        Ok(read.map(|read| read.value.id().to_owned()))
    }

    fn put_item(
        &mut self,
        at: At,
        turn: TurnNo,
        item: ItemNo,
        value: &Arc<ThreadItem>,
    ) -> Result<(), StoreError> {
        let thread = self.thread;
        let Some(Tail { next_item, len_items }) = self.tail(turn)? else { return Ok(()) };
        self.bodies.put((thread, turn.0, item.0, newest_first(at.seq)), value)?;
        if item.0 >= next_item {
            let next_item = item.0.saturating_add(1);
            self.set_tail(turn, Tail { next_item, len_items: len_items.saturating_add(1) })?;
        }
        let key = (thread, value.id().as_bytes(), turn.0, item.0);
        self.item_places.insert(key, value.is_finished())?;
        Ok(())
    }

    fn remove_item(
        &mut self,
        at: At,
        turn: TurnNo,
        item: ItemNo,
        id: &str,
    ) -> Result<(), StoreError> {
        let thread = self.thread;
        self.bodies.put_gone((thread, turn.0, item.0, newest_first(at.seq)))?;
        if let Some(Tail { next_item, len_items }) = self.tail(turn)? {
            self.set_tail(turn, Tail { next_item, len_items: len_items.saturating_sub(1) })?;
        }
        self.item_places.remove((thread, id.as_bytes(), turn.0, item.0))?;
        Ok(())
    }
}

fn place((key, is_finished): (AccessGuard<'_, ItemPlaceKey>, AccessGuard<'_, bool>)) -> Place {
    let (_, _, turn, item) = key.value();
    Place { turn: TurnNo(turn), item: ItemNo(item), is_finished: is_finished.value() }
}

impl Past for StorePast<'_> {
    type Error = StoreError;

    fn turn_named(&self, id: &str) -> Result<Option<TurnNo>, StoreError> {
        let id = id.as_bytes();
        let versions = (self.thread, id, 0)..=(self.thread, id, u64::MAX);
        let newest = self.turn_ids.range(versions)?.next().transpose()?;
        Ok(newest.and_then(|(_, turn)| turn.value()).map(TurnNo))
    }

    fn turn(&self, turn: TurnNo) -> Result<Option<PastTurn>, StoreError> {
        let Some(Tail { next_item, len_items }) = self.tail(turn)? else { return Ok(None) };
        let at = RowAt { table: "turns", key: (self.thread, turn.0) };
        let versions = (self.thread, turn.0, 0)..=(self.thread, turn.0, u64::MAX);
        let newest = self.heads.turns.range(versions)?.next().transpose()?;
        let read = match newest {
            Some((key, row)) => heads::read(row.value(), key.value(), &self.heads.turns)?,
            None => None,
        };
        let head = read.ok_or_else(|| at.corrupt(CorruptProblem::Missing))?.head;
        Ok(Some(PastTurn { head: head.into(), len_items, next_item: ItemNo(next_item) }))
    }

    fn turn_before(&self, turn: TurnNo) -> Result<Option<TurnNo>, StoreError> {
        let before = (self.thread, 0)..(self.thread, turn.0);
        let newest = self.live_turns.range(before)?.next_back().transpose()?;
        Ok(newest.map(|(key, _)| TurnNo(key.value().1)))
    }

    fn item_named(&self, turn: TurnNo, id: &str) -> Result<Option<Place>, StoreError> {
        let id = id.as_bytes();
        let (first, last) = ((self.thread, id, turn.0, 0), (self.thread, id, turn.0, u32::MAX));
        let row = self.item_places.range(first..=last)?.next().transpose()?;
        Ok(row.map(place))
    }

    fn item_open(&self, id: &str) -> Result<Option<Place>, StoreError> {
        let id = id.as_bytes();
        let all = (self.thread, id, 0, 0)..=(self.thread, id, u32::MAX, u32::MAX);
        let newest = self.item_places.range(all)?.next_back().transpose()?;
        Ok(newest.map(place).filter(|place| !place.is_finished))
    }

    fn apply(&mut self, at: At, change: &Change) -> Result<(), StoreError> {
        match change {
            Change::TurnPut { turn, head } => self.put_turn(at, *turn, head),
            Change::TurnRemoved { turn, id } => self.remove_turn(at, *turn, id),
            Change::ItemPut { turn, item, value, .. } => self.put_item(at, *turn, *item, value),
            Change::ItemRemoved { turn, item, id, .. } => self.remove_item(at, *turn, *item, id),
            Change::Thread(fact) => {
                self.summary.put_fact(fact);
                self.facts.put_fact(self.thread, at.seq, fact)
            }
            Change::Inheritance(inheritance) => {
                self.summary.put_inheritance(inheritance);
                self.facts.put_inheritance(self.thread, at.seq, inheritance)
            }
            Change::Window(window) => self.facts.put_window(self.thread, at.seq, window),
            Change::World(change) => self.world.put(self.thread, at.seq, change),
            Change::Usage(entry) => self.ledger.push(entry),
        }
    }
}

#[cfg(test)]
mod tests;
