//! Changes: the smallest things a reducer does to the read model, and what clients see of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::model::{
    Fact, Inheritance, ThreadItem, TurnError, TurnHead, TurnStatus, UsageEntry, Window, WorldChange,
};

/// The place of a turn among all turns a thread ever had; never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TurnNo(pub u32);

/// The place of an item among all items its turn ever had; never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ItemNo(pub u32);

/// The smallest thing a reducer does to the read model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// A turn is new, or everything about it but its items is replaced.
    TurnPut {
        /// Which turn.
        turn: TurnNo,
        /// What it is now.
        head: TurnHead,
    },
    /// A turn is gone, with its items.
    TurnRemoved {
        /// Which turn.
        turn: TurnNo,
        /// Its id.
        id: Arc<str>,
    },
    /// An item is new, or replaced as a whole.
    ItemPut {
        /// In which turn.
        turn: TurnNo,
        /// That turn's id.
        turn_id: Arc<str>,
        /// Which item.
        item: ItemNo,
        /// What it is now.
        value: Arc<ThreadItem>,
    },
    /// An item is gone: it stood in for a record that has come now.
    ItemRemoved {
        /// In which turn.
        turn: TurnNo,
        /// That turn's id.
        turn_id: Arc<str>,
        /// Which item.
        item: ItemNo,
        /// Its id.
        id: Arc<str>,
    },
    /// A fact of the thread is new, replaced or taken back.
    Thread(Fact),
    /// What of the history is another thread's is told anew, as a whole.
    Inheritance(Inheritance),
    /// The world is set, patched or lost.
    World(WorldChange),
    /// A context window is new, named or ended; told as a whole, by its number.
    Window(Arc<Window>),
    /// The ledger has a new entry.
    Usage(Arc<UsageEntry>),
}

impl Change {
    /// The turn that is changed, or whose item is; `None` for every other part of the read model.
    #[must_use]
    pub fn turn(&self) -> Option<TurnNo> {
        match self {
            Self::TurnPut { turn, .. }
            | Self::TurnRemoved { turn, .. }
            | Self::ItemPut { turn, .. }
            | Self::ItemRemoved { turn, .. } => Some(*turn),
            Self::Thread(_)
            | Self::Inheritance(_)
            | Self::World(_)
            | Self::Window(_)
            | Self::Usage(_) => None,
        }
    }
}

/// What a client sees of the changes of one or more records (SEMANTICS R38, R39): each item and
/// turn once, at the place of its first change, with its latest value. Apply removals first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ChangeSet {
    /// Items put.
    pub changed_items: Vec<ChangedItem>,
    /// Turns put, without their items.
    pub changed_turns: Vec<ChangedTurn>,
    /// Turns gone, each once.
    pub removed_turn_ids: Vec<Arc<str>>,
    /// Items gone while their turns stay; the reference has none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub removed_items: Vec<RemovedItem>,
}

/// An item put.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChangedItem {
    /// The turn's id.
    pub turn_id: Arc<str>,
    /// The whole item.
    pub item: Arc<ThreadItem>,
}

/// A turn put.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChangedTurn {
    /// The turn's id.
    pub turn_id: Arc<str>,
    /// Where it stands.
    pub status: TurnStatus,
    /// Why it failed.
    pub error: Option<Arc<TurnError>>,
    /// Start, in Unix seconds.
    pub started_at: Option<i64>,
    /// End, in Unix seconds.
    pub completed_at: Option<i64>,
    /// Length, in milliseconds.
    pub duration_ms: Option<i64>,
}

/// An item gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RemovedItem {
    /// The turn's id.
    pub turn_id: Arc<str>,
    /// The item's id.
    pub item_id: Arc<str>,
}

/// Collects the changes of a batch of records into one [`ChangeSet`].
#[derive(Debug, Default)]
pub struct Coalescer {
    items: BTreeMap<u64, ChangedItem>,
    /// Turn id to item id to place; by turn first, so that a removal is one look-up.
    item_places: BTreeMap<Arc<str>, BTreeMap<String, u64>>,
    turns: BTreeMap<u64, ChangedTurn>,
    turn_places: BTreeMap<Arc<str>, u64>,
    removed: Vec<Arc<str>>,
    removed_seen: std::collections::BTreeSet<Arc<str>>,
    removed_items: Vec<RemovedItem>,
    next_place: u64,
}

impl Coalescer {
    /// Takes in changes, in the order they were made.
    pub fn push(&mut self, changes: &[Change]) {
        for change in changes {
            match change {
                Change::TurnPut { head, .. } => self.put_turn(head),
                Change::TurnRemoved { id, .. } => self.remove_turn(id),
                Change::ItemPut { turn_id, value, .. } => self.put_item(turn_id, value),
                Change::ItemRemoved { turn_id, id, .. } => self.remove_item(turn_id, id),
                _ => {}
            }
        }
    }

    /// The change set.
    #[must_use]
    pub fn finish(self) -> ChangeSet {
        ChangeSet {
            changed_items: self.items.into_values().collect(),
            changed_turns: self.turns.into_values().collect(),
            removed_turn_ids: self.removed,
            removed_items: self.removed_items,
        }
    }

    fn place(&mut self) -> u64 {
        self.next_place += 1;
        self.next_place
    }

    fn put_turn(&mut self, head: &TurnHead) {
        let turn = ChangedTurn {
            turn_id: head.id.clone(),
            status: head.status.clone(),
            error: head.error.clone(),
            started_at: head.started_at,
            completed_at: head.completed_at,
            duration_ms: head.duration_ms,
        };
        let place = match self.turn_places.get(&head.id) {
            Some(place) => *place,
            None => {
                let place = self.place();
                self.turn_places.insert(head.id.clone(), place);
                place
            }
        };
        self.turns.insert(place, turn);
    }

    fn put_item(&mut self, turn_id: &Arc<str>, item: &Arc<ThreadItem>) {
        let known = self.item_places.get(turn_id).and_then(|items| items.get(item.id()));
        let place = match known {
            Some(place) => *place,
            None => {
                let place = self.place();
                let items = self.item_places.entry(turn_id.clone()).or_default();
                items.insert(item.id().to_owned(), place);
                place
            }
        };
        self.items.insert(place, ChangedItem { turn_id: turn_id.clone(), item: item.clone() });
    }

    fn remove_turn(&mut self, id: &Arc<str>) {
        for place in self.item_places.remove(id).unwrap_or_default().into_values() {
            self.items.remove(&place);
        }
        if let Some(place) = self.turn_places.remove(id) {
            self.turns.remove(&place);
        }
        if self.removed_seen.insert(id.clone()) {
            self.removed.push(id.clone());
        }
    }

    fn remove_item(&mut self, turn_id: &Arc<str>, id: &Arc<str>) {
        let items = self.item_places.get_mut(turn_id);
        if let Some(place) = items.and_then(|items| items.remove(&**id)) {
            self.items.remove(&place);
        }
        self.removed_items.push(RemovedItem { turn_id: turn_id.clone(), item_id: id.clone() });
    }
}
