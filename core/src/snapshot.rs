//! The read model at one position: a value, cheap to clone, changed only by [`Snapshot::apply`].

use std::sync::Arc;

use crate::change::{Change, ItemNo, TurnNo};
use crate::coll::{OrdMap, Vector};
use crate::fold::Step;
use crate::model::{ItemsView, ThreadItem, Turn, TurnHead};
use crate::records::{RecordEntry, RecordIndex};

/// Turns, items and the record index at one position. Clones share structure.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Snapshot {
    turns: OrdMap<TurnNo, TurnEntry>,
    records: RecordIndex,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct TurnEntry {
    head: Arc<TurnHead>,
    /// By item number; `None` where an item is gone.
    items: Vector<Option<Arc<ThreadItem>>>,
}

/// A change that does not follow from the snapshot it was applied to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ApplyError {
    /// A turn or item is not there, or out of order.
    #[error("turn {turn:?}, item {item:?}: a change that does not follow from this snapshot")]
    Turn {
        /// The turn it is about.
        turn: TurnNo,
        /// The item it is about.
        item: Option<ItemNo>,
    },
    /// A record stands before the last one.
    #[error("line {seq}: a record that does not follow the last one of this snapshot")]
    Record {
        /// Complete lines before the record's line.
        seq: u64,
    },
}

impl Snapshot {
    /// Applies all that one line did: records, then changes.
    ///
    /// # Errors
    /// As [`Self::apply`] and [`Self::apply_record`]; what came before the fault is applied.
    pub fn apply_step(&mut self, step: &Step) -> Result<(), ApplyError> {
        for record in &step.records {
            self.apply_record(record)?;
        }
        step.changes.iter().try_for_each(|change| self.apply(change))
    }

    /// Adds one record to the record index.
    ///
    /// # Errors
    /// When a record of a later line is already there. The snapshot is as before.
    pub fn apply_record(&mut self, record: &RecordEntry) -> Result<(), ApplyError> {
        let misplaced = ApplyError::Record { seq: record.seq };
        self.records.push(record).then_some(()).ok_or(misplaced)
    }

    /// Applies one change: the only way turns and items change.
    ///
    /// # Errors
    /// When the change was made for another snapshot: its turn or item is not there, or comes out
    /// of order. The snapshot is as before.
    pub fn apply(&mut self, change: &Change) -> Result<(), ApplyError> {
        match change {
            Change::TurnPut { turn, head } => match self.turns.get_mut(turn) {
                Some(entry) => entry.head = Arc::new(head.clone()),
                None => {
                    let entry = TurnEntry { head: Arc::new(head.clone()), items: Vector::new() };
                    self.turns.insert(*turn, entry);
                }
            },
            Change::TurnRemoved { turn, .. } => {
                let missing = ApplyError::Turn { turn: *turn, item: None };
                self.turns.remove(turn).ok_or(missing)?;
            }
            Change::ItemPut { turn, item, value, .. } => {
                let misplaced = ApplyError::Turn { turn: *turn, item: Some(*item) };
                let entry = self.turns.get_mut(turn).ok_or(misplaced)?;
                let place = item.0 as usize;
                if place == entry.items.len() {
                    entry.items.push_back(Some(value.clone()));
                } else {
                    *entry.items.get_mut(place).ok_or(misplaced)? = Some(value.clone());
                }
            }
            Change::ItemRemoved { turn, item, .. } => {
                let missing = ApplyError::Turn { turn: *turn, item: Some(*item) };
                let entry = self.turns.get_mut(turn).ok_or(missing)?;
                *entry.items.get_mut(item.0 as usize).ok_or(missing)? = None;
            }
        }
        Ok(())
    }

    /// The record index.
    #[must_use]
    pub fn records(&self) -> &RecordIndex {
        &self.records
    }

    /// Turns there are.
    #[must_use]
    pub fn len_turns(&self) -> usize {
        self.turns.len()
    }

    /// Items there are, in all turns.
    #[must_use]
    pub fn len_items(&self) -> usize {
        self.turns.values().map(|entry| entry.items.iter().flatten().count()).sum()
    }

    /// The turns in order, with the items of `view`.
    pub fn turns(&self, view: ItemsView) -> impl DoubleEndedIterator<Item = Turn> + '_ {
        self.turns
            .values()
            .map(move |entry| Turn::new(&entry.head, entry.items.iter().flatten().cloned(), view))
    }

    /// The first turn with this id.
    #[must_use]
    pub fn turn(&self, id: &str, view: ItemsView) -> Option<Turn> {
        let entry = self.turns.values().find(|entry| &*entry.head.id == id)?;
        Some(Turn::new(&entry.head, entry.items.iter().flatten().cloned(), view))
    }

    /// The heads of the turns in order, by number.
    pub fn heads(&self) -> impl DoubleEndedIterator<Item = (TurnNo, &TurnHead)> + '_ {
        self.turns.iter().map(|(turn, entry)| (*turn, &*entry.head))
    }

    /// The items of a turn in order, by number.
    pub fn items(
        &self,
        turn: TurnNo,
    ) -> impl DoubleEndedIterator<Item = (ItemNo, &Arc<ThreadItem>)> + '_ {
        let items = self.turns.get(&turn).map(|entry| entry.items.iter().enumerate());
        items
            .into_iter()
            .flatten()
            .filter_map(|(place, item)| Some((ItemNo(u32::try_from(place).ok()?), item.as_ref()?)))
    }
}
