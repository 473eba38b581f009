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

    /// The newest item with this id in any turn that was not removed, if it is unfinished.
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
    /// By item id. Places in removed turns stay until the id comes again.
    places: OrdMap<Arc<str>, Places>,
}

/// Where an id stands: nearly always in one place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
enum Places {
    One(Place),
    /// By packed turn and item number; whether the item is finished.
    Many(OrdMap<u64, bool>),
}

impl Place {
    fn key(self) -> u64 {
        (u64::from(self.turn.0) << 32) | u64::from(self.item.0)
    }

    #[expect(clippy::cast_possible_truncation, reason = "unpacks two halves")]
    fn from_key(key: u64, is_finished: bool) -> Self {
        Self { turn: TurnNo((key >> 32) as u32), item: ItemNo(key as u32), is_finished }
    }
}

impl Places {
    /// The first place in a turn.
    fn first_in(&self, turn: TurnNo) -> Option<Place> {
        match self {
            Self::One(place) => Some(*place).filter(|place| place.turn == turn),
            Self::Many(places) => {
                let start = Place { turn, item: ItemNo(0), is_finished: false }.key();
                let end = Place { turn, item: ItemNo(u32::MAX), is_finished: false }.key();
                let (key, is_finished) = places.range(start..=end).next()?;
                Some(Place::from_key(*key, *is_finished))
            }
        }
    }

    /// All places, newest first.
    fn newest_first(&self) -> impl Iterator<Item = Place> + '_ {
        let (one, many) = match self {
            Self::One(place) => (Some(*place), None),
            Self::Many(places) => (None, Some(places)),
        };
        let many = many.into_iter().flat_map(|places| places.iter().rev());
        one.into_iter().chain(many.map(|(key, is_finished)| Place::from_key(*key, *is_finished)))
    }
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
                let place = Place { turn: *turn, item: *item, is_finished: false };
                match self.places.get_mut(id) {
                    Some(Places::Many(places)) => {
                        places.remove(&place.key());
                    }
                    Some(Places::One(known)) if known.key() == place.key() => {
                        self.places.remove(id);
                    }
                    Some(Places::One(_)) | None => {}
                }
            }
            // Nothing a reducer asks about: what it needs of these is in its own state.
            _ => {}
        }
    }

    fn put_place(&mut self, id: &str, place: Place) {
        let Some(known) = self.places.get_mut(id) else {
            self.places.insert(id.into(), Places::One(place));
            return;
        };
        let turns = &self.turns;
        match known {
            Places::One(one) if one.key() == place.key() || !turns.contains_key(&one.turn) => {
                *one = place;
            }
            Places::One(one) => {
                let both = [*one, place].map(|place| (place.key(), place.is_finished));
                *known = Places::Many(both.into_iter().collect());
            }
            Places::Many(places) => {
                // Rollbacks remove the newest turns, so what is gone is at the end.
                while let Some((key, is_finished)) = places.get_max()
                    && !turns.contains_key(&Place::from_key(*key, *is_finished).turn)
                {
                    let key = *key;
                    places.remove(&key);
                }
                places.insert(place.key(), place.is_finished);
            }
        }
    }

    fn is_live(&self, place: Place) -> bool {
        self.turns.contains_key(&place.turn)
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
        let place = self.places.get(id).and_then(|places| places.first_in(turn));
        Ok(place.filter(|place| self.is_live(*place)))
    }

    fn item_open(&self, id: &str) -> Result<Option<Place>, Infallible> {
        let places = self.places.get(id);
        let newest =
            places.and_then(|places| places.newest_first().find(|place| self.is_live(*place)));
        Ok(newest.filter(|place| !place.is_finished))
    }

    fn apply(&mut self, _at: At, change: &Change) -> Result<(), Infallible> {
        self.take_in(change);
        Ok(())
    }
}
