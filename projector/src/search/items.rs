//! Items of one thread that are new to the index, and when they were.

use rollfold_core::model::TurnHead;

use super::builder::Place;
use super::run::Run;
use super::threads::Indexed;
use crate::error::StoreError;
use crate::rows::lines::Changed;
use crate::view::View;

/// When a turn began, as the index sorts it.
pub(super) fn time_of(head: &TurnHead, indexed: &Indexed) -> i64 {
    head.started_at.unwrap_or(indexed.base_time)
}

/// Gathers items of one thread.
pub(super) struct Items<'r, 's, 'p> {
    pub(super) run: &'r mut Run<'s, 'p>,
    view: &'r View,
    thread: u32,
    row: &'r Indexed,
    /// The turn asked for last, and when it began, if it is there.
    turn: Option<(u32, Option<i64>)>,
}

impl<'r, 's, 'p> Items<'r, 's, 'p> {
    pub(super) fn new(
        run: &'r mut Run<'s, 'p>,
        view: &'r View,
        thread: u32,
        row: &'r Indexed,
    ) -> Self {
        Self { run, view, thread, row, turn: None }
    }

    /// Takes in what a line changed.
    pub(super) fn changed(&mut self, seq: u64, changed: &Changed) -> Result<(), StoreError> {
        match changed {
            Changed::ItemPut(turn, item) => {
                let Some(time) = self.time_of(turn.0)? else { return Ok(()) };
                self.item(time, turn.0, item.0, |version| version == seq)
            }
            Changed::TurnPut(turn) if self.row.len_lines > 0 => self.turn_put(turn.0),
            _ => Ok(()),
        }
    }

    /// When a turn began that was in the index before begins at another time now, its items move.
    fn turn_put(&mut self, turn: u32) -> Result<(), StoreError> {
        let before = self.view.looking_at(self.row.len_lines).turn_now(turn)?;
        let before = before.map(|head| time_of(&head, self.row));
        let (Some(before), Some(now)) = (before, self.time_of(turn)?) else { return Ok(()) };
        if before == now {
            return Ok(());
        }
        let mut after = None;
        while let Some((item, _)) = self.view.item_after(turn, after)? {
            after = Some(item);
            self.item(now, turn, item, |version| version < self.row.len_lines)?;
        }
        Ok(())
    }

    fn time_of(&mut self, turn: u32) -> Result<Option<i64>, StoreError> {
        if let Some((known, time)) = self.turn
            && known == turn
        {
            return Ok(time);
        }
        let head = self.view.turn_now(turn)?;
        let time = head.map(|head| time_of(&head, self.row));
        self.turn = Some((turn, time));
        Ok(time)
    }

    /// Takes in an item as it is now, if it is there and the line that made it is wanted.
    fn item(
        &mut self,
        time: i64,
        turn: u32,
        item: u32,
        is_wanted: impl Fn(u64) -> bool,
    ) -> Result<(), StoreError> {
        let Some(version) = self.view.item(turn, item)? else { return Ok(()) };
        if !is_wanted(version.seq) {
            return Ok(());
        }
        let Some(value) = self.view.body(turn, item, &version)? else { return Ok(()) };
        let place = Place { time, thread: self.thread, turn, item };
        let run = &mut *self.run;
        let before = run.builder.text_bytes;
        run.builder.push(place, &value);
        run.done.items += 1;
        run.done.text_bytes += run.builder.text_bytes.saturating_sub(before);
        Ok(())
    }
}
