//! What the fold asks of the past, as rows: which turns there are, by what ids, and where items
//! stand. Asked within a transaction that writes as well as in one that reads.

use redb::{AccessGuard, ReadableTable};
use rollfold_core::{ItemNo, Place, TurnNo};

use crate::error::StoreError;
use crate::schema::{ItemPlaceKey, TurnIdKey};

/// How many items a turn has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tail {
    pub(crate) next_item: u32,
    pub(crate) len_items: u32,
}

/// `None` for turns that are not there.
pub(crate) fn tail_of(
    live_turns: &impl ReadableTable<(u32, u32), (u32, u32)>,
    thread: u32,
    turn: TurnNo,
) -> Result<Option<Tail>, StoreError> {
    let row = live_turns.get((thread, turn.0))?;
    Ok(row.map(|row| {
        let (next_item, len_items) = row.value();
        Tail { next_item, len_items }
    }))
}

/// The newest turn before `turn` that is there.
pub(crate) fn turn_before(
    live_turns: &impl ReadableTable<(u32, u32), (u32, u32)>,
    thread: u32,
    turn: TurnNo,
) -> Result<Option<TurnNo>, StoreError> {
    let before = (thread, 0)..(thread, turn.0);
    let newest = live_turns.range(before)?.next_back().transpose()?;
    Ok(newest.map(|(key, _)| TurnNo(key.value().1)))
}

/// The first turn there is with this id.
pub(crate) fn turn_named(
    turn_ids: &impl ReadableTable<TurnIdKey, Option<u32>>,
    thread: u32,
    id: &str,
) -> Result<Option<TurnNo>, StoreError> {
    let id = id.as_bytes();
    let newest = turn_ids.range((thread, id, 0)..=(thread, id, u64::MAX))?.next().transpose()?;
    Ok(newest.and_then(|(_, turn)| turn.value()).map(TurnNo))
}

/// The places of items with this id that are there, in turns from `first` to `last`, in order.
pub(crate) fn places(
    item_places: &impl ReadableTable<ItemPlaceKey, bool>,
    thread: u32,
    id: &str,
    (first, last): (TurnNo, TurnNo),
) -> Result<impl DoubleEndedIterator<Item = Result<Place, StoreError>>, StoreError> {
    let id = id.as_bytes();
    let rows = item_places.range((thread, id, first.0, 0)..=(thread, id, last.0, u32::MAX))?;
    Ok(rows.map(|row| Ok(place(row?))))
}

fn place((key, is_finished): (AccessGuard<'_, ItemPlaceKey>, AccessGuard<'_, bool>)) -> Place {
    let (_, _, turn, item) = key.value();
    Place { turn: TurnNo(turn), item: ItemNo(item), is_finished: is_finished.value() }
}
