//! The paginated contract (A8-A12): every item is canonical and final, every record names its
//! turn, nothing depends on what came before. Older events beside them mean nothing.

use super::turns::{Ending, Target, Work, head};
use super::{Step, canonical, items};
use crate::change::{Change, TurnNo};
use crate::decode::{Body, Record};
use crate::diag::HistoryAnomaly;
use crate::format::{EventKind, Kind};
use crate::model::{TurnHead, TurnStatus};
use crate::past::Past;

/// Reduces one record by the paginated contract.
pub(super) fn reduce<P: Past>(
    mut work: Work<'_, P>,
    record: &Record<'_>,
) -> Result<Option<Step>, P::Error> {
    match &record.body {
        Body::TaskStarted(started) => {
            let id = started.turn_id.get();
            let id = id.as_deref();
            let started_at = started.started_at.get();
            work.while_in_progress(id, |head| head.started_at = started_at.or(head.started_at))?;
        }
        Body::TaskComplete(complete) => {
            let ending = Ending {
                started_at: complete.started_at.get(),
                completed_at: complete.completed_at.get(),
                duration_ms: complete.duration_ms.get(),
            };
            let error = complete.error.get();
            work.while_in_progress(complete.turn_id.get().as_deref(), |head| {
                head.status = match &error {
                    Some(_) => TurnStatus::Failed,
                    None => TurnStatus::Completed,
                };
                head.error = error.map(|error| items::turn_error(&error).into());
                ending.write(head);
            })?;
        }
        Body::TurnAborted(aborted) => {
            let Some(id) = aborted.turn_id.get() else { return Ok(None) };
            let ending = Ending {
                started_at: aborted.started_at.get(),
                completed_at: aborted.completed_at.get(),
                duration_ms: aborted.duration_ms.get(),
            };
            work.while_in_progress(Some(&id), |head| {
                head.status = TurnStatus::Interrupted;
                ending.write(head);
            })?;
        }
        Body::ItemLifecycle(lifecycle) if record.kind == Kind::Event(EventKind::ItemCompleted) => {
            let (Some(item), Some(raw)) = (lifecycle.item.get(), lifecycle.item.raw()) else {
                return Ok(None);
            };
            let id = lifecycle.turn_id.get();
            let id = id.map_or_else(|| work.implicit_id(), std::borrow::Cow::into_owned);
            let turn = work.turn(&id)?;
            work.put(turn, &id, canonical::thread_item(&item, raw, work.at))?;
        }
        Body::ThreadRolledBack(_) => work.notes.push(HistoryAnomaly::RollbackInPaginated),
        _ => return Ok(None),
    }
    Ok(Some(work.finish()))
}

impl<P: Past> Work<'_, P> {
    /// The turn with this id; a new one, in progress, if there is none (A10).
    fn turn(&mut self, id: &str) -> Result<TurnNo, P::Error> {
        match self.past.turn_named(id)? {
            Some(turn) => Ok(turn),
            None => Ok(self.add(head(id, TurnStatus::InProgress))),
        }
    }

    fn add(&mut self, head: TurnHead) -> TurnNo {
        let turn = self.state.next_turn;
        self.state.next_turn = TurnNo(turn.0.saturating_add(1));
        self.state.len_turns += 1;
        self.changes.push(Change::TurnPut { turn, head });
        turn
    }

    /// Changes a turn that has not ended; a second ending means nothing (A10).
    fn while_in_progress(
        &mut self,
        id: Option<&str>,
        change: impl FnOnce(&mut TurnHead),
    ) -> Result<(), P::Error> {
        let implicit = self.implicit_id();
        let id = id.unwrap_or(&implicit);
        let Some(turn) = self.past.turn_named(id)? else {
            let mut head = head(id, TurnStatus::InProgress);
            change(&mut head);
            self.add(head);
            return Ok(());
        };
        let past = self.past.turn(turn)?;
        if past.is_some_and(|past| past.head.status == TurnStatus::InProgress) {
            self.change_turn(&Target::Closed(turn), change)?;
        }
        Ok(())
    }

    /// Replaces the item with the same id, or appends it (A11).
    fn put(
        &mut self,
        turn: TurnNo,
        id: &str,
        value: crate::model::ThreadItem,
    ) -> Result<(), P::Error> {
        let item = match self.past.item_named(turn, value.id())? {
            Some(place) => place.item,
            None => {
                self.state.len_items += 1;
                self.past.turn(turn)?.map_or(crate::change::ItemNo(0), |past| past.next_item)
            }
        };
        let change = Change::ItemPut { turn, turn_id: id.into(), item, value: value.into() };
        self.changes.push(change);
        Ok(())
    }
}
