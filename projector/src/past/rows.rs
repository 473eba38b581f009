//! The past of one thread as its rows tell it at one commit.

use redb::{ReadOnlyTable, ReadTransaction, ReadableTable};
use rollfold_core::{ItemNo, PastTurn, Place, TurnNo};

use crate::error::{CorruptProblem, StoreError};
use crate::rows::codec::RowAt;
use crate::rows::heads;
use crate::rows::places;
use crate::schema::{self, Bytes, ItemPlaceKey, TurnIdKey, TurnKey};

/// Answers from rows. No question walks more of them than its answer is about.
pub(crate) struct RowsPast {
    thread: u32,
    turns: ReadOnlyTable<TurnKey, Bytes>,
    turn_ids: ReadOnlyTable<TurnIdKey, Option<u32>>,
    live_turns: ReadOnlyTable<(u32, u32), (u32, u32)>,
    item_places: ReadOnlyTable<ItemPlaceKey, bool>,
}

impl RowsPast {
    pub(crate) fn open(read: &ReadTransaction, thread: u32) -> Result<Self, StoreError> {
        Ok(Self {
            thread,
            turns: read.open_table(schema::TURNS)?,
            turn_ids: read.open_table(schema::TURN_IDS)?,
            live_turns: read.open_table(schema::LIVE_TURNS)?,
            item_places: read.open_table(schema::ITEM_PLACES)?,
        })
    }

    pub(crate) fn turn_named(&self, id: &str) -> Result<Option<TurnNo>, StoreError> {
        places::turn_named(&self.turn_ids, self.thread, id)
    }

    pub(crate) fn turn(&self, turn: TurnNo) -> Result<Option<PastTurn>, StoreError> {
        let tail = places::tail_of(&self.live_turns, self.thread, turn)?;
        let Some(places::Tail { next_item, len_items }) = tail else { return Ok(None) };
        let at = RowAt { table: "turns", key: (self.thread, turn.0) };
        let versions = (self.thread, turn.0, 0)..=(self.thread, turn.0, u64::MAX);
        let newest = ReadableTable::range(&self.turns, versions)?.next().transpose()?;
        let read = match newest {
            Some((key, row)) => heads::read(row.value(), key.value(), &self.turns)?,
            None => None,
        };
        let head = read.ok_or_else(|| at.corrupt(CorruptProblem::Missing))?.head;
        Ok(Some(PastTurn { head: head.into(), len_items, next_item: ItemNo(next_item) }))
    }

    pub(crate) fn turn_before(&self, turn: TurnNo) -> Result<Option<TurnNo>, StoreError> {
        places::turn_before(&self.live_turns, self.thread, turn)
    }

    /// The places of items with this id in turns from `first` to `last`, in order.
    pub(crate) fn places(
        &self,
        id: &str,
        first: TurnNo,
        last: TurnNo,
    ) -> Result<impl DoubleEndedIterator<Item = Result<Place, StoreError>>, StoreError> {
        places::places(&self.item_places, self.thread, id, (first, last))
    }
}
