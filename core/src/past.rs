//! What a reducer may ask about the records before: ids, heads and places, never bodies.

use std::convert::Infallible;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::change::{Change, ItemNo, TurnNo};
use crate::coll::OrdMap;
use crate::model::TurnHead;
use crate::pos::At;

/// Answers about what came before a record. An embedder keeps an [`Index`]; a store answers from
/// its rows, so that a sync need not hold the ids of a long thread in memory.
pub trait Past {
    /// Why an answer could not be given.
    type Error;

    /// The first turn with this id that was not removed.
    ///
    /// # Errors
    /// When the answer could not be read.
    fn turn_named(&self, id: &str) -> Result<Option<TurnNo>, Self::Error>;

    /// A turn that was not removed.
    ///
    /// # Errors
    /// When the answer could not be read.
    fn turn(&self, turn: TurnNo) -> Result<Option<PastTurn>, Self::Error>;

    /// The newest turn before `turn` that was not removed.
    ///
    /// # Errors
    /// When the answer could not be read.
    fn turn_before(&self, turn: TurnNo) -> Result<Option<TurnNo>, Self::Error>;

    /// The first item with this id in `turn` that was not removed.
    ///
    /// # Errors
    /// When the answer could not be read.
    fn item_named(&self, turn: TurnNo, id: &str) -> Result<Option<Place>, Self::Error>;

    /// The newest unfinished item with this id in any turn that was not removed.
    ///
    /// # Errors
    /// When the answer could not be read.
    fn item_open(&self, id: &str) -> Result<Option<Place>, Self::Error>;

    /// Takes in a change that the record at `at` made.
    ///
    /// # Errors
    /// When the change could not be kept.
    fn apply(&mut self, at: At, change: &Change) -> Result<(), Self::Error>;
}

/// A turn of the past.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastTurn {
    /// Everything about it but its items.
    pub head: Arc<TurnHead>,
    /// Items it has.
    pub len_items: u32,
    /// The number its next item gets.
    pub next_item: ItemNo,
}

/// Where an item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// In which turn.
    pub turn: TurnNo,
    /// Which item.
    pub item: ItemNo,
    /// Whether the item has reached its end.
    pub is_finished: bool,
}

/// The past of one thread in memory. Clones share structure.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Index {
    turns: OrdMap<TurnNo, PastTurn>,
    turn_ids: OrdMap<Arc<str>, TurnNo>,
    /// By item id, oldest first. Places in removed turns stay until the id comes again.
    places: OrdMap<Arc<str>, Arc<[Place]>>,
}

impl Index {
    fn take_in(&mut self, change: &Change) {
        match change {
            Change::TurnPut { turn, head } => {
                let head = Arc::new(head.clone());
                match self.turns.get_mut(turn) {
                    Some(past) => past.head = head,
                    None => {
                        if !self.turn_ids.contains_key(&head.id) {
                            self.turn_ids.insert(head.id.clone(), *turn);
                        }
                        let past = PastTurn { head, len_items: 0, next_item: ItemNo(0) };
                        self.turns.insert(*turn, past);
                    }
                }
            }
            Change::TurnRemoved { turn, id } => {
                self.turns.remove(turn);
                if self.turn_ids.get(id) == Some(turn) {
                    self.turn_ids.remove(id);
                }
            }
            Change::ItemPut { turn, item, value, .. } => {
                let Some(past) = self.turns.get_mut(turn) else { return };
                if *item >= past.next_item {
                    past.next_item = ItemNo(item.0 + 1);
                    past.len_items += 1;
                }
                let place = Place { turn: *turn, item: *item, is_finished: value.is_finished() };
                self.put_place(value.id(), place);
            }
            Change::ItemRemoved { turn, item, id, .. } => {
                if let Some(past) = self.turns.get_mut(turn) {
                    past.len_items = past.len_items.saturating_sub(1);
                }
                let live = self.places.get(id).into_iter().flat_map(|places| places.iter());
                let rest: Vec<Place> = live
                    .filter(|place| (place.turn, place.item) != (*turn, *item))
                    .copied()
                    .collect();
                if rest.is_empty() {
                    self.places.remove(id);
                } else {
                    self.places.insert(id.clone(), rest.into());
                }
            }
            // Nothing a reducer asks about: what it needs of these is in its own state.
            _ => {}
        }
    }

    fn put_place(&mut self, id: &str, place: Place) {
        let Some(known) = self.places.get(id) else {
            self.places.insert(id.into(), Arc::from([place]));
            return;
        };
        let mut places: Vec<Place> = known.iter().copied().collect();
        match places.iter_mut().find(|known| (known.turn, known.item) == (place.turn, place.item)) {
            Some(known) => *known = place,
            None => {
                places.retain(|known| self.turns.contains_key(&known.turn));
                places.push(place);
            }
        }
        self.places.insert(id.into(), places.into());
    }

    fn live_places<'s>(&'s self, id: &str) -> impl DoubleEndedIterator<Item = Place> + use<'s> {
        let places = self.places.get(id).into_iter().flat_map(|places| places.iter().copied());
        places.filter(|place| self.turns.contains_key(&place.turn))
    }
}

impl Past for Index {
    type Error = Infallible;

    fn turn_named(&self, id: &str) -> Result<Option<TurnNo>, Infallible> {
        Ok(self.turn_ids.get(id).copied())
    }

    fn turn(&self, turn: TurnNo) -> Result<Option<PastTurn>, Infallible> {
        Ok(self.turns.get(&turn).cloned())
    }

    fn turn_before(&self, turn: TurnNo) -> Result<Option<TurnNo>, Infallible> {
        Ok(self.turns.range(..turn).next_back().map(|(turn, _)| *turn))
    }

    fn item_named(&self, turn: TurnNo, id: &str) -> Result<Option<Place>, Infallible> {
        Ok(self.live_places(id).filter(|place| place.turn == turn).min_by_key(|place| place.item))
    }

    fn item_open(&self, id: &str) -> Result<Option<Place>, Infallible> {
        Ok(self.live_places(id).rfind(|place| !place.is_finished))
    }

    fn apply(&mut self, _at: At, change: &Change) -> Result<(), Infallible> {
        self.take_in(change);
        Ok(())
    }
}
