//! The work on one record: opening, changing and closing turns, placing items (R5-R17, R22, R23).

use std::sync::Arc;

use super::{HistoryState, OpenTurn, Step, UsageOwner};
use crate::change::{Change, ItemNo, TurnNo};
use crate::diag::HistoryAnomaly;
use crate::model::{ReasoningItem, ThreadItem, TurnError, TurnHead, TurnStatus};
use crate::options::{Options, Routing};
use crate::past::{Past, Place};
use crate::pos::At;

/// One record's work: the state so far and what changed.
pub(super) struct Work<'p, P> {
    pub(super) state: HistoryState,
    pub(super) past: &'p P,
    pub(super) at: At,
    pub(super) options: &'p Options,
    pub(super) changes: Vec<Change>,
    pub(super) notes: Vec<HistoryAnomaly>,
}

/// Which turn a record belongs to.
pub(super) enum Target {
    /// The open one.
    Current,
    /// One that is closed.
    Closed(TurnNo),
}

/// Where an upsert goes (R23).
pub(super) enum Route<'a> {
    /// Strictly to the turn named; dropped if there is none.
    Strict(&'a str),
    /// To the turn named, or to the open turn if none is named.
    Soft(Option<&'a str>),
    /// To the open turn, whichever it is.
    Current,
}

/// How a turn ends.
pub(super) struct Ending {
    pub(super) started_at: Option<i64>,
    pub(super) completed_at: Option<i64>,
    pub(super) duration_ms: Option<i64>,
}

impl Ending {
    /// Overwrites the end also with nothing, as the reference does (R10, R11); the start only with
    /// something.
    pub(super) fn write(self, head: &mut TurnHead) {
        head.started_at = self.started_at.or(head.started_at);
        head.completed_at = self.completed_at;
        head.duration_ms = self.duration_ms;
    }
}

impl<P: Past> Work<'_, P> {
    pub(super) fn finish(self) -> Step {
        Step { state: self.state, changes: self.changes, notes: self.notes }
    }

    // Turns

    /// Opens a turn at the end of the list.
    pub(super) fn open(&mut self, head: TurnHead, is_explicit: bool) {
        let open = self.new_turn(head, is_explicit);
        self.state.current = Some(open);
    }

    fn new_turn(&mut self, head: TurnHead, is_explicit: bool) -> OpenTurn {
        let turn = self.state.next_turn;
        self.state.next_turn = TurnNo(turn.0.saturating_add(1));
        self.state.len_turns += 1;
        self.changes.push(Change::TurnPut { turn, head: head.clone() });
        OpenTurn {
            turn,
            head,
            is_explicit,
            saw_compaction: false,
            next_item: ItemNo(0),
            len_items: 0,
            thinking: None,
        }
    }

    /// R5: closes the open turn and opens one by name.
    pub(super) fn open_explicit(
        &mut self,
        id: &str,
        started_at: Option<i64>,
    ) -> Result<(), P::Error> {
        self.close();
        if self.find(id)?.is_some() {
            self.notes.push(HistoryAnomaly::TurnRepeated { turn_id: id.to_owned() });
        }
        let status = TurnStatus::InProgress;
        self.open(TurnHead { started_at, ..head(id, status) }, true);
        Ok(())
    }

    /// R7: the open turn, opened implicitly if there is none.
    pub(super) fn ensure(&mut self) -> &mut OpenTurn {
        let open = match self.state.current.take() {
            Some(open) => open,
            None => {
                let id = self.implicit_id();
                self.new_turn(head(&id, TurnStatus::Completed), false)
            }
        };
        self.state.current.insert(open)
    }

    pub(super) fn implicit_id(&self) -> String {
        format!("rollout-{}", self.at.record_index)
    }

    /// R12: closes the open turn; one that nothing made worth keeping goes.
    pub(super) fn close(&mut self) {
        self.state.stand_ins.settle();
        let Some(open) = self.state.current.take() else { return };
        if !open.is_explicit && open.len_items == 0 && !open.saw_compaction {
            self.state.len_turns = self.state.len_turns.saturating_sub(1);
            self.changes.push(Change::TurnRemoved { turn: open.turn, id: open.head.id });
        }
    }

    /// The turn with this id: the open one first, then the first closed one (R6).
    pub(super) fn find(&self, id: &str) -> Result<Option<Target>, P::Error> {
        if self.state.current.as_ref().is_some_and(|open| &*open.head.id == id) {
            return Ok(Some(Target::Current));
        }
        let closed = self.past.turn_named(id)?.filter(|turn| !self.removes(*turn, None));
        Ok(closed.map(Target::Closed))
    }

    /// The item with this id in `turn`, as far as this record has not removed it.
    pub(super) fn item_named(&self, turn: TurnNo, id: &str) -> Result<Option<Place>, P::Error> {
        let place = self.past.item_named(turn, id)?;
        Ok(place.filter(|place| !self.removes(turn, Some(place.item))))
    }

    /// Whether this record has removed the turn, or the item of it.
    fn removes(&self, turn: TurnNo, item: Option<ItemNo>) -> bool {
        self.changes.iter().any(|change| match change {
            Change::TurnRemoved { turn: gone, .. } => *gone == turn,
            Change::ItemRemoved { turn: of, item: gone, .. } => *of == turn && item == Some(*gone),
            _ => false,
        })
    }

    /// The turn an ending is for (R10, R11): the one named, or else the open one.
    pub(super) fn find_for_ending(&mut self, id: Option<&str>) -> Result<Option<Target>, P::Error> {
        if let Some(id) = id
            && let Some(target) = self.find(id)?
        {
            return Ok(Some(target));
        }
        let turn_id = id.map(str::to_owned);
        if self.state.current.is_some() {
            self.notes.extend(turn_id.map(|turn_id| HistoryAnomaly::TurnGuessed { turn_id }));
            return Ok(Some(Target::Current));
        }
        self.notes.push(match turn_id {
            Some(turn_id) => HistoryAnomaly::TurnUnknown { turn_id },
            None => HistoryAnomaly::NoOpenTurn,
        });
        Ok(None)
    }

    /// Changes a turn's head and reports it.
    pub(super) fn change_turn(
        &mut self,
        target: &Target,
        change: impl FnOnce(&mut TurnHead),
    ) -> Result<(), P::Error> {
        match target {
            Target::Current => {
                if let Some(open) = &mut self.state.current {
                    change(&mut open.head);
                    let (turn, head) = (open.turn, open.head.clone());
                    self.changes.push(Change::TurnPut { turn, head });
                }
            }
            Target::Closed(turn) => {
                if let Some(past) = self.past.turn(*turn)? {
                    let mut head = TurnHead::clone(&past.head);
                    change(&mut head);
                    self.changes.push(Change::TurnPut { turn: *turn, head });
                }
            }
        }
        Ok(())
    }

    /// R13: the open turn fails.
    pub(super) fn fail_current(&mut self, error: TurnError) -> Result<(), P::Error> {
        if self.state.current.is_none() {
            return Ok(());
        }
        self.change_turn(&Target::Current, |head| {
            head.status = TurnStatus::Failed;
            head.error = Some(Arc::new(error));
        })
    }

    /// R15: closes the open turn, removes the newest `count` turns, renumbers (R16).
    pub(super) fn roll_back(&mut self, count: u32) -> Result<(), P::Error> {
        self.close();
        let mut removed = Vec::new();
        let mut before = self.state.next_turn;
        // A turn that `close` has just dropped is no longer to be counted.
        let dropped = self.changes.iter().find_map(|change| match change {
            Change::TurnRemoved { turn, .. } => Some(*turn),
            _ => None,
        });
        while removed.len() < count as usize {
            let Some(turn) = self.past.turn_before(before)? else { break };
            before = turn;
            if dropped == Some(turn) {
                continue;
            }
            let Some(past) = self.past.turn(turn)? else { continue };
            self.state.len_items = self.state.len_items.saturating_sub(u64::from(past.len_items));
            removed.push(Change::TurnRemoved { turn, id: past.head.id.clone() });
        }
        self.state.len_turns = self.state.len_turns.saturating_sub(removed.len() as u64);
        self.changes.extend(removed.into_iter().rev());
        self.state.next_item_id = self.state.len_items + 1;
        Ok(())
    }

    /// R44: remembers whose token count this is.
    pub(super) fn token_count(mut self) -> Result<Step, P::Error> {
        let newest = self.state.newest_turn(self.past)?;
        self.state.usage_owner = newest.map(|turn_id| UsageOwner {
            turn_id,
            position: self.state.len_turns.saturating_sub(1),
        });
        Ok(self.finish())
    }

    // Items

    /// R17: the next synthesized item id.
    pub(super) fn next_item_id(&mut self) -> String {
        let id = format!("item-{}", self.state.next_item_id);
        self.state.next_item_id += 1;
        id
    }

    /// Appends an item to the open turn, opened implicitly if there is none.
    pub(super) fn append(&mut self, value: ThreadItem) {
        self.place(value);
        if let Some(open) = &mut self.state.current {
            open.thinking = None;
        }
    }

    /// Puts an item behind the last one of the open turn.
    pub(super) fn place(&mut self, value: ThreadItem) -> ItemNo {
        let open = self.ensure();
        let item = open.next_item;
        open.next_item = ItemNo(item.0.saturating_add(1));
        open.len_items += 1;
        let (turn, turn_id, value) = (open.turn, open.head.id.clone(), Arc::new(value));
        self.changes.push(Change::ItemPut { turn, turn_id, item, value });
        self.state.len_items += 1;
        item
    }

    /// Appends reasoning, which later reasoning may join.
    pub(super) fn append_reasoning(&mut self, reasoning: ReasoningItem) {
        let item = self.place(ThreadItem::Reasoning(reasoning.clone()));
        if let Some(open) = &mut self.state.current {
            open.thinking = Some((item, Arc::new(reasoning)));
        }
    }

    /// Replaces the reasoning that is the open turn's last item.
    pub(super) fn join_reasoning(&mut self, reasoning: ReasoningItem) {
        let Some(open) = &mut self.state.current else { return };
        let Some((item, thinking)) = &mut open.thinking else { return };
        *thinking = Arc::new(reasoning);
        let value = Arc::new(ThreadItem::Reasoning(ReasoningItem::clone(thinking)));
        let (turn, turn_id, item) = (open.turn, open.head.id.clone(), *item);
        self.changes.push(Change::ItemPut { turn, turn_id, item, value });
    }

    /// Replaces the item with the same id in the turn that `route` leads to, or appends it (R22).
    pub(super) fn upsert(&mut self, route: &Route<'_>, value: ThreadItem) -> Result<(), P::Error> {
        let target = match route {
            Route::Strict(id) | Route::Soft(Some(id)) => match self.find(id)? {
                Some(target) => target,
                None => {
                    let turn_id = (*id).to_owned();
                    self.notes.push(HistoryAnomaly::TurnUnknown { turn_id });
                    return Ok(());
                }
            },
            Route::Soft(None) | Route::Current => self.current_or_by_call(&value)?,
        };
        if let Some((turn, item)) = self.upsert_in(&target, value)? {
            self.state.stand_ins.release(turn, item);
        }
        Ok(())
    }

    /// Replaces the item with the same id in this turn, or appends it (R22); gives the place of the
    /// one replaced.
    pub(super) fn upsert_in(
        &mut self,
        target: &Target,
        value: ThreadItem,
    ) -> Result<Option<(TurnNo, ItemNo)>, P::Error> {
        match target {
            Target::Current => self.upsert_current(value),
            Target::Closed(turn) => self.upsert_closed(*turn, value),
        }
    }

    /// Where an upsert without a turn id goes (R23).
    fn current_or_by_call(&mut self, value: &ThreadItem) -> Result<Target, P::Error> {
        let current = self.state.current.as_ref().map(|open| open.turn);
        if let Some(turn) = current
            && self.item_named(turn, value.id())?.is_some()
        {
            return Ok(Target::Current);
        }
        let Some(place) = self.past.item_open(value.id())? else { return Ok(Target::Current) };
        match self.options.routing {
            Routing::ByCallId => Ok(Target::Closed(place.turn)),
            Routing::Reference => {
                let item_id = value.id().to_owned();
                self.notes.push(HistoryAnomaly::ItemElsewhere { item_id });
                Ok(Target::Current)
            }
        }
    }

    fn upsert_current(&mut self, value: ThreadItem) -> Result<Option<(TurnNo, ItemNo)>, P::Error> {
        let known = match self.state.current.as_ref().map(|open| open.turn) {
            Some(turn) => self.item_named(turn, value.id())?,
            None => None,
        };
        let Some(place) = known else {
            self.append(value);
            return Ok(None);
        };
        self.note_reset(place.is_finished, &value);
        if let Some(open) = &mut self.state.current {
            if open.thinking.as_ref().is_some_and(|(item, _)| *item == place.item) {
                open.thinking = None;
            }
            let (turn, item) = (place.turn, place.item);
            let (turn_id, value) = (open.head.id.clone(), Arc::new(value));
            self.changes.push(Change::ItemPut { turn, turn_id, item, value });
        }
        Ok(Some((place.turn, place.item)))
    }

    fn upsert_closed(
        &mut self,
        turn: TurnNo,
        value: ThreadItem,
    ) -> Result<Option<(TurnNo, ItemNo)>, P::Error> {
        let Some(past) = self.past.turn(turn)? else { return Ok(None) };
        let known = self.item_named(turn, value.id())?;
        let item = match known {
            Some(place) => {
                self.note_reset(place.is_finished, &value);
                place.item
            }
            None => {
                self.state.len_items += 1;
                past.next_item
            }
        };
        let (turn_id, value) = (past.head.id.clone(), Arc::new(value));
        self.changes.push(Change::ItemPut { turn, turn_id, item, value });
        Ok(known.map(|place| (place.turn, place.item)))
    }

    fn note_reset(&mut self, was_finished: bool, value: &ThreadItem) {
        if was_finished && !value.is_finished() {
            let item_id = value.id().to_owned();
            self.notes.push(HistoryAnomaly::ItemReset { item_id });
        }
    }
}

/// A turn's head with nothing but an id and a status.
pub(super) fn head(id: &str, status: TurnStatus) -> TurnHead {
    TurnHead {
        id: id.into(),
        status,
        error: None,
        started_at: None,
        completed_at: None,
        duration_ms: None,
    }
}
