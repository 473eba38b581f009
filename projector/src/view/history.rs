//! What became of one thing line by line: its versions, and a change put together from them.

use std::sync::Arc;

use rollfold_core::model::{ThreadItem, TurnHead};
use rollfold_core::{Change, ItemNo, TurnNo};

use super::View;
use crate::error::{CorruptProblem, StoreError};
use crate::rows::codec::{RowAt, decode};
use crate::rows::lines::Changed;
use crate::rows::{bodies, heads, world};
use crate::schema::newest_first;

impl View {
    /// The lines that made a turn what it is, oldest first.
    pub(crate) fn turn_seqs(&self, turn: u32) -> Result<Vec<u64>, StoreError> {
        let Some(newest) = self.newest else { return Ok(Vec::new()) };
        let versions = (self.thread, turn, newest_first(newest))..=(self.thread, turn, u64::MAX);
        let mut seqs = Vec::new();
        for row in self.tables.turns.range(versions)?.rev() {
            seqs.push(newest_first(row?.0.value().2));
        }
        Ok(seqs)
    }

    /// The lines that made an item what it is, oldest first.
    pub(crate) fn item_seqs(&self, turn: u32, item: u32) -> Result<Vec<u64>, StoreError> {
        let Some(newest) = self.newest else { return Ok(Vec::new()) };
        let first = (self.thread, turn, item, newest_first(newest));
        let mut seqs = Vec::new();
        for row in self.tables.items.range(first..=(self.thread, turn, item, u64::MAX))?.rev() {
            seqs.push(newest_first(row?.0.value().3));
        }
        Ok(seqs)
    }

    /// The change that a line made, from its name and the version it wrote.
    pub(crate) fn change(&self, seq: u64, changed: &Changed) -> Result<Change, StoreError> {
        let version = newest_first(seq);
        Ok(match changed {
            Changed::TurnPut(turn) => {
                Change::TurnPut { turn: *turn, head: self.head_of(*turn, seq)? }
            }
            Changed::TurnRemoved(turn) => {
                Change::TurnRemoved { turn: *turn, id: self.turn_id(*turn)? }
            }
            Changed::ItemPut(turn, item) => Change::ItemPut {
                turn: *turn,
                turn_id: self.turn_id(*turn)?,
                item: *item,
                value: Arc::new(self.item_of(*turn, *item, seq)?),
            },
            Changed::ItemRemoved(turn, item) => Change::ItemRemoved {
                turn: *turn,
                turn_id: self.turn_id(*turn)?,
                item: *item,
                id: self.item_id_before(*turn, *item, seq)?,
            },
            Changed::Fact(number) => {
                let at = RowAt { table: "facts", key: (self.thread, *number, version) };
                let row = self.tables.facts.get(at.key)?;
                let row = row.ok_or_else(|| at.corrupt(CorruptProblem::Missing))?;
                let fact = decode(row.value(), &at)?;
                Change::Thread(fact.ok_or_else(|| at.corrupt(CorruptProblem::Missing))?)
            }
            Changed::Inheritance => {
                let at = RowAt { table: "inheritance", key: (self.thread, version) };
                let row = self.tables.inheritance.get(at.key)?;
                let row = row.ok_or_else(|| at.corrupt(CorruptProblem::Missing))?;
                let value = decode(row.value(), &at)?;
                Change::Inheritance(value.ok_or_else(|| at.corrupt(CorruptProblem::Missing))?)
            }
            Changed::World => Change::World(world::change(&self.tables.world, self.thread, seq)?),
            Changed::Window(number) => {
                let at = RowAt { table: "windows", key: (self.thread, *number, version) };
                let row = self.tables.windows.get(at.key)?;
                let row = row.ok_or_else(|| at.corrupt(CorruptProblem::Missing))?;
                let window = decode(row.value(), &at)?;
                let window = window.ok_or_else(|| at.corrupt(CorruptProblem::Missing))?;
                Change::Window(Arc::new(window))
            }
            Changed::Usage(number) => {
                let mut found = None;
                self.each_entry(*number, number.saturating_add(1), |entry, _| {
                    found = Some(entry);
                    Ok::<(), StoreError>(())
                })?;
                let at = RowAt { table: "usage", key: *number };
                let entry = found.ok_or_else(|| at.corrupt(CorruptProblem::Missing))?;
                Change::Usage(Arc::new(entry))
            }
            Changed::Replaced(change) => Change::clone(change),
        })
    }

    /// A turn's head as a line left it.
    fn head_of(&self, turn: TurnNo, seq: u64) -> Result<TurnHead, StoreError> {
        let key = (self.thread, turn.0, newest_first(seq));
        let at = RowAt { table: "turns", key };
        let missing = || at.corrupt(CorruptProblem::Missing);
        let row = self.tables.turns.get(key)?.ok_or_else(missing)?;
        Ok(heads::read(row.value(), key, &self.tables.turns)?.ok_or_else(missing)?.head)
    }

    /// A turn's id, which no version changes.
    fn turn_id(&self, turn: TurnNo) -> Result<Arc<str>, StoreError> {
        let at = RowAt { table: "turns", key: (self.thread, turn.0) };
        let versions = (self.thread, turn.0, 0)..=(self.thread, turn.0, u64::MAX);
        let oldest = self.tables.turns.range(versions)?.next_back().transpose()?;
        let (key, row) = oldest.ok_or_else(|| at.corrupt(CorruptProblem::Missing))?;
        let read = heads::read(row.value(), key.value(), &self.tables.turns)?;
        Ok(read.ok_or_else(|| at.corrupt(CorruptProblem::Missing))?.head.id)
    }

    /// An item as a line left it.
    fn item_of(&self, turn: TurnNo, item: ItemNo, seq: u64) -> Result<ThreadItem, StoreError> {
        let key = (self.thread, turn.0, item.0, newest_first(seq));
        let at = RowAt { table: "items", key };
        let missing = || at.corrupt(CorruptProblem::Missing);
        let row = self.tables.items.get(key)?.ok_or_else(missing)?;
        let read = bodies::read(row.value(), key, &self.tables.items, &self.tables.item_parts)?;
        Ok(read.ok_or_else(missing)?.value)
    }

    /// The id of an item that a line removed.
    fn item_id_before(&self, turn: TurnNo, item: ItemNo, seq: u64) -> Result<Arc<str>, StoreError> {
        let first = (self.thread, turn.0, item.0, newest_first(seq));
        let at = RowAt { table: "items", key: first };
        for row in self.tables.items.range(first..=(self.thread, turn.0, item.0, u64::MAX))? {
            let (key, row) = row?;
            let read = bodies::read(
                row.value(),
                key.value(),
                &self.tables.items,
                &self.tables.item_parts,
            )?;
            if let Some(read) = read {
                return Ok(read.value.id().into());
            }
        }
        Err(at.corrupt(CorruptProblem::Missing))
    }
}
