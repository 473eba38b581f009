//! The past of one thread, ahead of its rows: what [`rollfold_core::Index`] is in memory, for folds
//! that run ahead of what is committed. Rows tell what was when they were read; what changed since
//! is held in memory, and let go of when newer rows tell it.

mod gone;
mod places;
mod rows;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use rollfold_core::model::TurnHead;
use rollfold_core::{At, Change, ItemNo, Past, PastTurn, Place, TurnNo};

use crate::error::StoreError;
use gone::GoneTurns;
use places::{At as PlaceAt, Places};
pub(crate) use rows::RowsPast;

/// Things held in memory from which on it is worth looking for newer rows.
const HELD_MAX: usize = 50_000;

/// Something and the line that it was last changed by.
#[derive(Debug, Clone)]
pub(crate) struct Since<T> {
    seq: u64,
    now: T,
}

/// The past of one thread.
#[derive(Default)]
pub(crate) struct AheadPast {
    /// None if there are none, or none that are not told better below.
    rows: Option<RowsPast>,
    turns: BTreeMap<TurnNo, Since<PastTurn>>,
    gone: GoneTurns,
    turn_ids: HashMap<Arc<str>, Since<Option<TurnNo>>>,
    /// By item id: whether the item at a place is finished, or `None` if it is gone. Places in
    /// turns that are gone count for nothing.
    places: HashMap<Box<str>, Places>,
    len_places: usize,
}

impl AheadPast {
    /// The past as rows tell it; without rows, no past.
    pub(crate) fn new(rows: Option<RowsPast>) -> Self {
        Self { rows, ..Self::default() }
    }

    /// Whether so much is held that it is worth letting go of what newer rows tell.
    pub(crate) fn is_heavy(&self) -> bool {
        self.turns.len() + self.turn_ids.len() + self.len_places > HELD_MAX
    }

    /// Goes on from rows that tell all that lines before `seq` did, and perhaps more.
    pub(crate) fn stand_on(&mut self, rows: RowsPast, seq: u64) {
        self.rows = Some(rows);
        self.turns.retain(|_, turn| turn.seq >= seq);
        self.gone.forget_before(seq);
        self.turn_ids.retain(|_, turn| turn.seq >= seq);
        self.places.retain(|_, places| places.keep_since(seq));
        self.len_places = self.places.values().map(Places::len).sum();
    }

    fn is_gone(&self, turn: TurnNo) -> bool {
        self.gone.run_of(turn).is_some()
    }

    fn put_turn(&mut self, seq: u64, turn: TurnNo, head: &TurnHead) -> Result<(), StoreError> {
        let now = match self.turn(turn)? {
            Some(past) => PastTurn { head: Arc::new(head.clone()), ..past },
            None => {
                if self.turn_named(&head.id)?.is_none() {
                    self.turn_ids.insert(head.id.clone(), Since { seq, now: Some(turn) });
                }
                let head = Arc::new(head.clone());
                PastTurn { head, len_items: 0, next_item: ItemNo(0) }
            }
        };
        self.turns.insert(turn, Since { seq, now });
        Ok(())
    }

    fn remove_turn(&mut self, seq: u64, turn: TurnNo, id: &Arc<str>) -> Result<(), StoreError> {
        if self.turn_named(id)? == Some(turn) {
            self.turn_ids.insert(id.clone(), Since { seq, now: None });
        }
        self.turns.remove(&turn);
        self.gone.insert(turn, seq);
        Ok(())
    }

    fn put_item(
        &mut self,
        seq: u64,
        (turn, item): (TurnNo, ItemNo),
        id: &str,
        is_finished: bool,
    ) -> Result<(), StoreError> {
        let Some(past) = self.turn_mut(seq, turn)? else { return Ok(()) };
        if item >= past.next_item {
            past.next_item = ItemNo(item.0.saturating_add(1));
            past.len_items = past.len_items.saturating_add(1);
        }
        self.put_place(id, (turn, item), Since { seq, now: Some(is_finished) });
        Ok(())
    }

    fn remove_item(
        &mut self,
        seq: u64,
        (turn, item): (TurnNo, ItemNo),
        id: &str,
    ) -> Result<(), StoreError> {
        if let Some(past) = self.turn_mut(seq, turn)? {
            past.len_items = past.len_items.saturating_sub(1);
        }
        self.put_place(id, (turn, item), Since { seq, now: None });
        Ok(())
    }

    fn turn_mut(&mut self, seq: u64, turn: TurnNo) -> Result<Option<&mut PastTurn>, StoreError> {
        if !self.turns.contains_key(&turn) {
            let Some(now) = self.turn(turn)? else { return Ok(None) };
            self.turns.insert(turn, Since { seq, now });
        }
        Ok(self.turns.get_mut(&turn).map(|past| {
            past.seq = seq;
            &mut past.now
        }))
    }

    fn put_place(&mut self, id: &str, at: PlaceAt, now: Since<Option<bool>>) {
        let Some(places) = self.places.get_mut(id) else {
            self.places.insert(id.into(), Places::One(at, now));
            self.len_places += 1;
            return;
        };
        let len_before = places.len();
        // Rollbacks remove the newest turns, so what is gone is at the end.
        while let Some((last, _)) = places.last_before(None)
            && self.gone.run_of(last.0).is_some()
            && places.len() > 1
        {
            places.remove_last();
        }
        places.insert(at, now);
        self.len_places = self.len_places + places.len() - len_before;
    }

    /// The newest place that is held in memory and still one.
    fn newest_held(&self, id: &str) -> Option<Place> {
        let places = self.places.get(id)?;
        let mut end = None;
        loop {
            let (at, place) = places.last_before(end)?;
            end = match (self.gone.run_of(at.0), place_at(at, place)) {
                (Some(first), _) => Some((first, ItemNo(0))),
                (None, Some(place)) => return Some(place),
                (None, None) => Some(at),
            };
        }
    }

    /// The newest place in rows that is still one, in turns up to `last`.
    fn newest_in_rows(&self, id: &str, mut last: TurnNo) -> Result<Option<Place>, StoreError> {
        let Some(rows) = &self.rows else { return Ok(None) };
        let changed = self.places.get(id);
        'run: loop {
            for place in rows.places(id, TurnNo(0), last)?.rev() {
                let place = place?;
                if let Some(run) = self.gone.run_of(place.turn) {
                    let Some(before) = run.0.checked_sub(1) else { return Ok(None) };
                    last = TurnNo(before);
                    continue 'run;
                }
                if changed.is_none_or(|changed| !changed.has((place.turn, place.item))) {
                    return Ok(Some(place));
                }
            }
            return Ok(None);
        }
    }
}

impl Past for AheadPast {
    type Error = StoreError;

    fn turn_named(&self, id: &str) -> Result<Option<TurnNo>, StoreError> {
        match (self.turn_ids.get(id), &self.rows) {
            (Some(known), _) => Ok(known.now),
            (None, Some(rows)) => rows.turn_named(id),
            (None, None) => Ok(None),
        }
    }

    fn turn(&self, turn: TurnNo) -> Result<Option<PastTurn>, StoreError> {
        match (self.turns.get(&turn), &self.rows) {
            (Some(known), _) => Ok(Some(known.now.clone())),
            (None, Some(rows)) if !self.is_gone(turn) => rows.turn(turn),
            _ => Ok(None),
        }
    }

    fn turn_before(&self, turn: TurnNo) -> Result<Option<TurnNo>, StoreError> {
        let held = self.turns.range(..turn).next_back().map(|(turn, _)| *turn);
        let Some(rows) = &self.rows else { return Ok(held) };
        let mut before = turn;
        let told = loop {
            match rows.turn_before(before)? {
                Some(told) => match self.gone.run_of(told) {
                    Some(run) => before = run,
                    None => break Some(told),
                },
                None => break None,
            }
        };
        Ok(held.max(told))
    }

    fn item_named(&self, turn: TurnNo, id: &str) -> Result<Option<Place>, StoreError> {
        if self.is_gone(turn) {
            return Ok(None);
        }
        let changed = self.places.get(id);
        let held = changed
            .and_then(|places| places.in_turn(turn).find_map(|(at, place)| place_at(at, place)));
        let Some(rows) = &self.rows else { return Ok(held) };
        for told in rows.places(id, turn, turn)? {
            let told = told?;
            if changed.is_none_or(|changed| !changed.has((turn, told.item))) {
                return Ok(Some(held.filter(|held| held.item < told.item).unwrap_or(told)));
            }
        }
        Ok(held)
    }

    fn item_open(&self, id: &str) -> Result<Option<Place>, StoreError> {
        let held = self.newest_held(id);
        let told = self.newest_in_rows(id, TurnNo(u32::MAX))?;
        let newest = match (held, told) {
            (Some(held), Some(told)) => {
                let is_newer = (held.turn, held.item) > (told.turn, told.item);
                Some(if is_newer { held } else { told })
            }
            (held, told) => held.or(told),
        };
        Ok(newest.filter(|place| !place.is_finished))
    }

    fn apply(&mut self, At { seq, .. }: At, change: &Change) -> Result<(), StoreError> {
        match change {
            Change::TurnPut { turn, head } => self.put_turn(seq, *turn, head),
            Change::TurnRemoved { turn, id } => self.remove_turn(seq, *turn, id),
            Change::ItemPut { turn, item, value, .. } => {
                self.put_item(seq, (*turn, *item), value.id(), value.is_finished())
            }
            Change::ItemRemoved { turn, item, id, .. } => self.remove_item(seq, (*turn, *item), id),
            // Nothing a reducer asks about: what it needs of these is in its own state.
            _ => Ok(()),
        }
    }
}

fn place_at((turn, item): PlaceAt, place: &Since<Option<bool>>) -> Option<Place> {
    place.now.map(|is_finished| Place { turn, item, is_finished })
}

#[cfg(test)]
mod tests;
