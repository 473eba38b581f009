//! Slices: what lines changed, what differs between two lines, and which lines made something.

use std::collections::BTreeSet;
use std::sync::Arc;

use rollfold_core::model::{Fact, Inheritance, Thread, ThreadItem, TurnHead, Window, World};
use rollfold_core::{Change, ChangeSet, Coalescer, ItemNo, Span, TurnNo};

use super::ThreadView;
use crate::error::QueryError;
use crate::page::ItemAt;
use crate::rows::ledger::UsageTotals;
use crate::rows::lines::{Changed, Thing};
use crate::view::View;

/// What one line changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineChanges {
    /// Lines before it.
    pub seq: u64,
    /// Its bytes.
    pub span: Span,
    /// The changes, in order.
    pub changes: Vec<Change>,
}

/// A line that made something what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MadeBy {
    /// Lines before it.
    pub seq: u64,
    /// Its bytes.
    pub span: Span,
}

/// One thing at two places of a log; `None` where it is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Differing<K, T> {
    /// Which.
    pub at: K,
    /// What it was.
    pub before: Option<T>,
    /// What it is.
    pub after: Option<T>,
}

/// What differs between two places of a log; only what differs is in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Diff {
    /// Turns, without their items, by number.
    pub turns: Vec<Differing<TurnNo, TurnHead>>,
    /// Items by place. Those of a turn that comes or goes come and go with it.
    pub items: Vec<Differing<ItemAt, Arc<ThreadItem>>>,
    /// Facts by number, as they were and as they are.
    pub facts: Vec<(Fact, Fact)>,
    /// What is inherited.
    pub inheritance: Option<(Inheritance, Inheritance)>,
    /// The world.
    pub world: Option<(World, World)>,
    /// Context windows by number.
    pub windows: Vec<Differing<u64, Arc<Window>>>,
    /// Sums of the token ledger.
    pub usage: Option<(UsageTotals, UsageTotals)>,
}

impl Diff {
    /// Whether nothing differs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl ThreadView {
    /// What the lines from `start` to before `end` changed, line by line, as far as they are seen:
    /// applied to the snapshot as of `start` it gives the one as of `end`. Lines that changed
    /// nothing are left out.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn slice(&self, start: u64, end: u64) -> Result<Vec<LineChanges>, QueryError> {
        let mut slice = Vec::new();
        self.each_change(start, end, |changes| slice.push(changes))?;
        Ok(slice)
    }

    /// As [`ThreadView::slice`], handed on line by line: for long slices.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn each_change(
        &self,
        start: u64,
        end: u64,
        mut each: impl FnMut(LineChanges),
    ) -> Result<(), QueryError> {
        self.view.each_line(start, end, |line| {
            let changes: Result<Vec<Change>, _> =
                line.changes.iter().map(|changed| self.view.change(line.seq, changed)).collect();
            let changes = changes?;
            if !changes.is_empty() {
                each(LineChanges { seq: line.seq, span: line.span, changes });
            }
            Ok::<(), QueryError>(())
        })
    }

    /// The same as one change set: each turn and item once, with its latest value (R38, R39).
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn change_set(&self, start: u64, end: u64) -> Result<ChangeSet, QueryError> {
        let mut coalescer = Coalescer::default();
        self.each_change(start, end, |line| coalescer.push(&line.changes))?;
        Ok(coalescer.finish())
    }

    /// What differs between the first `from` lines and the first `to` lines; either may be the
    /// longer part.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn diff(&self, from: u64, to: u64) -> Result<Diff, QueryError> {
        let mut things = BTreeSet::new();
        self.view.each_line(from.min(to), from.max(to), |line| {
            things.extend(line.changes.iter().map(Changed::thing));
            Ok::<(), QueryError>(())
        })?;
        // The items of a turn that comes or goes do so without a change of their own.
        let turns: Vec<u32> = things
            .iter()
            .filter_map(|thing| if let Thing::Turn(turn) = thing { Some(turn.0) } else { None })
            .collect();
        let (before, after) = (self.view.looking_at(from), self.view.looking_at(to));
        for turn in turns {
            if before.has_turn(turn)? != after.has_turn(turn)? {
                let len = before.len_items_ever(turn)?.max(after.len_items_ever(turn)?);
                things.extend((0..len).map(|item| Thing::Item(TurnNo(turn), ItemNo(item))));
            }
        }
        let mut diff = Diff::default();
        for thing in things {
            match thing {
                Thing::Turn(turn) => {
                    let (before, after) = (before.turn_now(turn.0)?, after.turn_now(turn.0)?);
                    diff.turns.extend(differing(turn, before, after));
                }
                Thing::Item(turn, item) => {
                    let at = ItemAt { turn, item };
                    let read = |view: &View| view.item_now(turn.0, item.0);
                    diff.items.extend(differing(at, read(&before)?, read(&after)?));
                }
                Thing::Fact(number) => {
                    let absent = Fact::of(&Thread::default(), number);
                    let read = |view: &View| {
                        Ok::<_, QueryError>(view.fact(number)?.or_else(|| absent.clone()))
                    };
                    if let (Some(before), Some(after)) = (read(&before)?, read(&after)?)
                        && before != after
                    {
                        diff.facts.push((before, after));
                    }
                }
                Thing::Inheritance => {
                    let both = (before.inheritance()?, after.inheritance()?);
                    diff.inheritance = Some(both).filter(|(before, after)| before != after);
                }
                Thing::World => {
                    let both = (before.world()?, after.world()?);
                    diff.world = Some(both).filter(|(before, after)| before != after);
                }
                Thing::Window(number) => {
                    let read =
                        |view: &View| Ok::<_, QueryError>(view.window(number)?.map(Arc::new));
                    diff.windows.extend(differing(number, read(&before)?, read(&after)?));
                }
                Thing::Usage(_) if diff.usage.is_none() => {
                    let totals = |view: &View| view.usage_totals(view.len_usage()?);
                    diff.usage = Some((totals(&before)?, totals(&after)?));
                }
                Thing::Usage(_) => {}
            }
        }
        Ok(diff)
    }

    /// The lines that made a turn what it is, without its items; oldest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn turn_made_by(&self, turn: TurnNo) -> Result<Vec<MadeBy>, QueryError> {
        self.made_by(self.view.turn_seqs(turn.0)?)
    }

    /// The lines that made an item what it is; oldest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn item_made_by(&self, at: ItemAt) -> Result<Vec<MadeBy>, QueryError> {
        self.made_by(self.view.item_seqs(at.turn.0, at.item.0)?)
    }

    fn made_by(&self, seqs: Vec<u64>) -> Result<Vec<MadeBy>, QueryError> {
        let mut lines = Vec::with_capacity(seqs.len());
        for seq in seqs {
            let line = self.view.line(seq)?.ok_or_else(|| Self::corrupt_line(seq))?;
            lines.push(MadeBy { seq, span: line.span });
        }
        Ok(lines)
    }
}

fn differing<K, T: PartialEq>(
    at: K,
    before: Option<T>,
    after: Option<T>,
) -> Option<Differing<K, T>> {
    (before != after).then_some(Differing { at, before, after })
}
