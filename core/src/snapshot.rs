//! The read model at one position: a value, cheap to clone, changed only by [`Snapshot::apply`].

use std::sync::Arc;

use crate::change::{Change, ItemNo, TurnNo};
use crate::coll::{OrdMap, Vector};
use crate::model::{
    Inheritance, ItemsView, Ledger, Thread, ThreadItem, Turn, TurnHead, Windows, World,
};
use crate::options::UnknownHistoryMode;
use crate::records::{RecordEntry, RecordIndex};
use crate::step::Step;

/// Turns, items and everything else known of a thread at one position. Clones share structure.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Snapshot {
    records: RecordIndex,
    turns: OrdMap<TurnNo, TurnEntry>,
    thread: Arc<Thread>,
    inheritance: Inheritance,
    world: World,
    windows: Windows,
    ledger: Ledger,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct TurnEntry {
    head: Arc<TurnHead>,
    /// By item number; `None` where an item is gone.
    items: Vector<Option<Arc<ThreadItem>>>,
}

/// A change that does not follow from the snapshot it was applied to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{place:?}: a change that does not follow from this snapshot")]
pub struct ApplyError {
    /// What it is about.
    pub place: ChangePlace,
}

/// What a change is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChangePlace {
    /// A turn, or an item of it.
    Turn(TurnNo, Option<ItemNo>),
    /// The context window of this number.
    Window(u64),
    /// The entry of the ledger of this number.
    Usage(u64),
    /// The record on the line with this many before it.
    Record(u64),
}

impl ChangePlace {
    fn check(self, follows: bool) -> Result<(), ApplyError> {
        if follows { Ok(()) } else { Err(ApplyError { place: self }) }
    }
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
        ChangePlace::Record(record.seq).check(self.records.push(record))
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
                let missing = ApplyError { place: ChangePlace::Turn(*turn, None) };
                self.turns.remove(turn).ok_or(missing)?;
            }
            Change::ItemPut { turn, item, value, .. } => {
                let misplaced = ApplyError { place: ChangePlace::Turn(*turn, Some(*item)) };
                let entry = self.turns.get_mut(turn).ok_or(misplaced)?;
                let place = item.0 as usize;
                if place == entry.items.len() {
                    entry.items.push_back(Some(value.clone()));
                } else {
                    *entry.items.get_mut(place).ok_or(misplaced)? = Some(value.clone());
                }
            }
            Change::ItemRemoved { turn, item, .. } => {
                let missing = ApplyError { place: ChangePlace::Turn(*turn, Some(*item)) };
                let entry = self.turns.get_mut(turn).ok_or(missing)?;
                let place = item.0 as usize;
                let item = entry.items.get(place).and_then(Option::as_ref);
                item.ok_or(missing)?;
                entry.items.set(place, None);
            }
            Change::Thread(fact) => Arc::make_mut(&mut self.thread).apply(fact),
            Change::Inheritance(inheritance) => self.inheritance.clone_from(inheritance),
            Change::World(change) => self.world.apply(change),
            Change::Window(window) => {
                ChangePlace::Window(window.number).check(self.windows.apply(window))?;
            }
            Change::Usage(entry) => {
                ChangePlace::Usage(entry.number).check(self.ledger.apply(entry))?;
            }
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

    /// The state of the world.
    #[must_use]
    pub fn world(&self) -> &World {
        &self.world
    }

    /// The context windows.
    #[must_use]
    pub fn windows(&self) -> &Windows {
        &self.windows
    }

    /// The token ledger.
    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
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

    /// The snapshot, if its turns and items are what the log says: the door for all who would take
    /// "none folded" for "none there".
    ///
    /// ```
    /// use rollfold_core::{Folder, Options, Snapshot, model::ItemsView};
    ///
    /// let log = br#"{"timestamp":"2026-03-01T10:00:00.000Z","type":"session_meta","payload":{"id":"t","history_mode":"woven"}}
    /// "#;
    /// let mut snapshot = Snapshot::default();
    /// for step in Folder::new(Options::default()).push(log) {
    ///     snapshot.apply_step(&step)?;
    /// }
    /// assert_eq!(snapshot.turns(ItemsView::Full).count(), 0);
    /// assert_eq!(&*snapshot.readable().unwrap_err().mode, "woven");
    /// assert_eq!(snapshot.thread().id().map(|id| &**id), Some("t"));
    /// # Ok::<(), rollfold_core::ApplyError>(())
    /// ```
    ///
    /// # Errors
    /// When they were not folded, since the thread's history mode is not known. All else is there.
    pub fn readable(&self) -> Result<&Self, UnknownHistoryMode> {
        match &self.thread.unknown_mode {
            Some(mode) => Err(UnknownHistoryMode { mode: mode.clone() }),
            None => Ok(self),
        }
    }

    /// The turns that were folded, in order, with the items of `view`; see [`Self::readable`].
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
