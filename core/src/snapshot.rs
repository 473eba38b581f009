//! The read model at one position: a value, cheap to clone, changed only by [`Snapshot::apply`].

use std::sync::Arc;

use crate::change::{Change, ItemNo, TurnNo};
use crate::coll::{OrdMap, Vector};
use crate::model::{Inheritance, ItemsView, Thread, ThreadItem, Turn, TurnHead};

/// Turns, items and everything else known of a thread at one position. Clones share structure.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Snapshot {
    turns: OrdMap<TurnNo, TurnEntry>,
    thread: Arc<Thread>,
    inheritance: Inheritance,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct TurnEntry {
    head: Arc<TurnHead>,
    /// By item number; `None` where an item is gone.
    items: Vector<Option<Arc<ThreadItem>>>,
}

/// A change that does not follow from the snapshot it was applied to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("turn {turn:?}, item {item:?}: a change that does not follow from this snapshot")]
pub struct ApplyError {
    /// The turn it is about.
    pub turn: TurnNo,
    /// The item it is about.
    pub item: Option<ItemNo>,
}

impl Snapshot {
    /// Applies one change: the only way a snapshot changes.
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
                let missing = ApplyError { turn: *turn, item: None };
                self.turns.remove(turn).ok_or(missing)?;
            }
            Change::ItemPut { turn, item, value, .. } => {
                let misplaced = ApplyError { turn: *turn, item: Some(*item) };
                let entry = self.turns.get_mut(turn).ok_or(misplaced)?;
                let place = item.0 as usize;
                if place == entry.items.len() {
                    entry.items.push_back(Some(value.clone()));
                } else {
                    *entry.items.get_mut(place).ok_or(misplaced)? = Some(value.clone());
                }
            }
            Change::ItemRemoved { turn, item, .. } => {
                let missing = ApplyError { turn: *turn, item: Some(*item) };
                let entry = self.turns.get_mut(turn).ok_or(missing)?;
                *entry.items.get_mut(item.0 as usize).ok_or(missing)? = None;
            }
            Change::Thread(fact) => Arc::make_mut(&mut self.thread).apply(fact),
            Change::Inheritance(inheritance) => self.inheritance.clone_from(inheritance),
        }
        Ok(())
    }

    /// The facts of the thread.
    #[must_use]
    pub fn thread(&self) -> &Thread {
        &self.thread
    }

    /// What of the history is another thread's.
    #[must_use]
    pub fn inheritance(&self) -> &Inheritance {
        &self.inheritance
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
