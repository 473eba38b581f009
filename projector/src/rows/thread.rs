//! The rows of threads, for writing: where the changes of one thread after the other go within one
//! transaction.

use std::sync::Arc;

use redb::{ReadableTable, Table, WriteTransaction};
use rollfold_core::model::{ThreadItem, TurnHead};
use rollfold_core::{Change, ItemNo, Step, TurnNo};

use crate::error::StoreError;

use crate::rows::bodies::{self, Bodies};
use crate::rows::codec::encode;
use crate::rows::facts::FactRows;
use crate::rows::heads::Heads;
use crate::rows::ledger::LedgerWriter;
use crate::rows::lines::LineWriter;
use crate::rows::places::{Tail, tail_of, turn_named};
use crate::rows::summary::SummaryWriter;
use crate::rows::world::WorldRows;
use crate::schema::{self, Bytes, DiagnosticKey, ItemPlaceKey, TurnIdKey, newest_first};

/// Writes what lines did, as rows of the thread it was last [turned to](Self::turn_to).
#[derive(Debug)]
pub(crate) struct ThreadWriter<'t> {
    /// None before it is turned to the first.
    thread: Option<u32>,
    heads: Heads<'t>,
    bodies: Bodies<'t>,
    turn_ids: Table<'t, TurnIdKey, Option<u32>>,
    live_turns: Table<'t, (u32, u32), (u32, u32)>,
    item_places: Table<'t, ItemPlaceKey, bool>,
    facts: FactRows<'t>,
    world: WorldRows<'t>,
    ledger: LedgerWriter<'t>,
    lines: LineWriter<'t>,
    diagnostics: Table<'t, DiagnosticKey, Bytes>,
    summary: SummaryWriter<'t>,
    /// The turn that items come to, ahead of its row: most items come to the turn of the item
    /// before.
    growing: Option<(TurnNo, Tail)>,
    row: Vec<u8>,
}

impl<'t> ThreadWriter<'t> {
    pub(crate) fn open(write: &'t WriteTransaction) -> Result<Self, StoreError> {
        Ok(Self {
            thread: None,
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
            ledger: LedgerWriter::new(write.open_table(schema::USAGE)?),
            lines: LineWriter::new(write.open_table(schema::LINES)?),
            diagnostics: write.open_table(schema::DIAGNOSTICS)?,
            summary: SummaryWriter::open(write)?,
            growing: None,
            row: Vec::new(),
        })
    }

    /// Goes on with the rows of a thread; a new one is the log of this key and generation.
    pub(crate) fn turn_to(
        &mut self,
        thread: u32,
        key: &str,
        generation: u32,
    ) -> Result<(), StoreError> {
        if self.thread == Some(thread) {
            return Ok(());
        }
        self.finish()?;
        self.thread = Some(thread);
        self.ledger.turn_to(thread)?;
        self.lines.turn_to(thread)?;
        self.summary.turn_to(thread, key, generation)
    }

    /// Writes what a line did.
    pub(crate) fn put(&mut self, step: &Step) -> Result<(), StoreError> {
        let Some(thread) = self.thread else { return Ok(()) };
        for (place, diagnostic) in (0..).zip(&step.diagnostics) {
            encode(&mut self.row, "diagnostics", diagnostic)?;
            self.diagnostics.insert((thread, step.seq, place), &*self.row)?;
        }
        for change in &step.changes {
            self.apply(thread, step.seq, change)?;
        }
        self.lines.push(step)
    }

    /// Writes what is held back. Without it the rows are not those of the changes.
    pub(crate) fn finish(&mut self) -> Result<(), StoreError> {
        let Some(thread) = self.thread else { return Ok(()) };
        self.ledger.finish()?;
        self.lines.finish()?;
        self.summary.finish()?;
        self.put_growing(thread)
    }

    fn apply(&mut self, thread: u32, seq: u64, change: &Change) -> Result<(), StoreError> {
        match change {
            Change::TurnPut { turn, head } => self.put_turn(thread, seq, *turn, head),
            Change::TurnRemoved { turn, id } => self.remove_turn(thread, seq, *turn, id),
            Change::ItemPut { turn, item, value, .. } => {
                self.put_item(thread, seq, *turn, *item, value)
            }
            Change::ItemRemoved { turn, item, id, .. } => {
                self.remove_item(thread, seq, *turn, *item, id)
            }
            Change::Thread(fact) => {
                self.summary.put_fact(fact);
                self.facts.put_fact(thread, seq, fact)
            }
            Change::Inheritance(inheritance) => {
                self.summary.put_inheritance(inheritance);
                self.facts.put_inheritance(thread, seq, inheritance)
            }
            Change::Window(window) => self.facts.put_window(thread, seq, window),
            Change::World(change) => self.world.put(thread, seq, change),
            Change::Usage(entry) => self.ledger.push(entry),
        }
    }

    fn put_growing(&mut self, thread: u32) -> Result<(), StoreError> {
        if let Some((turn, Tail { next_item, len_items })) = self.growing.take() {
            self.live_turns.insert((thread, turn.0), (next_item, len_items))?;
        }
        Ok(())
    }

    /// `None` for turns that are not there.
    fn tail(&self, thread: u32, turn: TurnNo) -> Result<Option<Tail>, StoreError> {
        match self.growing {
            Some((growing, tail)) if growing == turn => Ok(Some(tail)),
            _ => tail_of(&self.live_turns, thread, turn),
        }
    }

    fn set_tail(&mut self, thread: u32, turn: TurnNo, tail: Tail) -> Result<(), StoreError> {
        if self.growing.is_some_and(|(growing, _)| growing != turn) {
            self.put_growing(thread)?;
        }
        self.growing = Some((turn, tail));
        Ok(())
    }

    fn put_turn(
        &mut self,
        thread: u32,
        seq: u64,
        turn: TurnNo,
        head: &TurnHead,
    ) -> Result<(), StoreError> {
        self.heads.put((thread, turn.0, newest_first(seq)), head)?;
        if self.tail(thread, turn)?.is_some() {
            return Ok(());
        }
        // Its row is what makes a turn one that is there.
        self.live_turns.insert((thread, turn.0), (0, 0))?;
        if turn_named(&self.turn_ids, thread, &head.id)?.is_none() {
            let key = (thread, head.id.as_bytes(), newest_first(seq));
            self.turn_ids.insert(key, Some(turn.0))?;
        }
        Ok(())
    }

    fn remove_turn(
        &mut self,
        thread: u32,
        seq: u64,
        turn: TurnNo,
        id: &str,
    ) -> Result<(), StoreError> {
        let Some(Tail { next_item, .. }) = self.tail(thread, turn)? else { return Ok(()) };
        self.heads.put_gone((thread, turn.0, newest_first(seq)))?;
        if self.growing.is_some_and(|(growing, _)| growing == turn) {
            self.growing = None;
        }
        self.live_turns.remove((thread, turn.0))?;
        if turn_named(&self.turn_ids, thread, id)? == Some(turn) {
            self.turn_ids.insert((thread, id.as_bytes(), newest_first(seq)), None)?;
        }
        for item in 0..next_item {
            if let Some(id) = self.item_id(thread, turn, item)? {
                self.item_places.remove((thread, id.as_bytes(), turn.0, item))?;
            }
        }
        Ok(())
    }

    /// The id of an item that is there.
    fn item_id(&self, thread: u32, turn: TurnNo, item: u32) -> Result<Option<String>, StoreError> {
        let versions = (thread, turn.0, item, 0)..=(thread, turn.0, item, u64::MAX);
        let Some((key, row)) = self.bodies.items.range(versions)?.next().transpose()? else {
            return Ok(None);
        };
        let Bodies { items, parts, .. } = &self.bodies;
        let read = bodies::read(row.value(), key.value(), items, &parts.table)?;
        Ok(read.map(|read| read.value.id().to_owned()))
    }

    fn put_item(
        &mut self,
        thread: u32,
        seq: u64,
        turn: TurnNo,
        item: ItemNo,
        value: &Arc<ThreadItem>,
    ) -> Result<(), StoreError> {
        let Some(Tail { next_item, len_items }) = self.tail(thread, turn)? else { return Ok(()) };
        self.bodies.put((thread, turn.0, item.0, newest_first(seq)), value)?;
        if item.0 >= next_item {
            let next_item = item.0.saturating_add(1);
            let tail = Tail { next_item, len_items: len_items.saturating_add(1) };
            self.set_tail(thread, turn, tail)?;
        }
        let key = (thread, value.id().as_bytes(), turn.0, item.0);
        self.item_places.insert(key, value.is_finished())?;
        Ok(())
    }

    fn remove_item(
        &mut self,
        thread: u32,
        seq: u64,
        turn: TurnNo,
        item: ItemNo,
        id: &str,
    ) -> Result<(), StoreError> {
        self.bodies.put_gone((thread, turn.0, item.0, newest_first(seq)))?;
        if let Some(Tail { next_item, len_items }) = self.tail(thread, turn)? {
            let tail = Tail { next_item, len_items: len_items.saturating_sub(1) };
            self.set_tail(thread, turn, tail)?;
        }
        self.item_places.remove((thread, id.as_bytes(), turn.0, item.0))?;
        Ok(())
    }
}

#[cfg(test)]
impl ThreadWriter<'_> {
    /// Nothing that answers questions outlives what it is about.
    pub(crate) fn assert_no_dead_rows(&self) {
        let mut live = std::collections::BTreeSet::new();
        let mut len_items = 0;
        for row in self.live_turns.iter().unwrap() {
            let (key, tail) = row.unwrap();
            live.insert(key.value());
            len_items += tail.value().1 as usize;
        }
        let places: Vec<_> = self.item_places.iter().unwrap().map(Result::unwrap).collect();
        assert!(places.iter().all(|(key, _)| live.contains(&(key.value().0, key.value().2))));
        assert_eq!(places.len(), len_items);
    }
}
