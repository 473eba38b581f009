//! One record through every reducer but that of turns and items. The order is that of their
//! dependence: whose a record is comes first.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Reduced;
use super::forks::{self, ForkState};
use super::history::HistoryState;
use super::thread::{self, ThreadState};
use super::usage::{self, UsageState};
use super::windows::{self, WindowState};
use super::world::{self, WorldState};
use crate::change::{Change, TurnNo};
use crate::decode::Record;
use crate::diag::DiagnosticKind;
use crate::options::Options;
use crate::pos::At;
use crate::records::RecordClass;

/// What the next record's meaning may depend on, for everything but turns and items.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FactState {
    forks: Arc<ForkState>,
    thread: Arc<ThreadState>,
    world: Arc<WorldState>,
    windows: Arc<WindowState>,
    usage: Arc<UsageState>,
}

/// What one record does.
type Done = (Vec<Change>, Vec<DiagnosticKind>);

impl FactState {
    /// Whose records are.
    #[must_use]
    pub fn forks(&self) -> &ForkState {
        &self.forks
    }

    /// The facts of the thread.
    #[must_use]
    pub fn thread(&self) -> &ThreadState {
        &self.thread
    }

    /// The state of the world.
    #[must_use]
    pub fn world(&self) -> &WorldState {
        &self.world
    }

    /// The context windows.
    #[must_use]
    pub fn windows(&self) -> &WindowState {
        &self.windows
    }

    /// Takes in one record, of which the record index says `class`; `next_turn` is the number a
    /// turn opened by it got or would have got, `history` the state after it.
    pub(crate) fn take_in(
        &mut self,
        next_turn: TurnNo,
        history: &HistoryState,
        at: At,
        record: &Record<'_>,
        class: &RecordClass,
        options: &Options,
    ) -> Done {
        let mut done = Done::default();
        let step = forks::reduce(&self.forks, next_turn, at, record);
        put(&mut self.forks, step, &mut done);
        let step = thread::reduce(&self.thread, &self.forks, options, record, class);
        put(&mut self.thread, step, &mut done);
        let step = world::reduce(&self.world, record, class);
        put(&mut self.world, step, &mut done);
        let step = windows::reduce(&self.windows, at, record);
        put(&mut self.windows, step, &mut done);
        let turn_id = history.usage_owner().map(|owner| &owner.turn_id);
        let window = self.windows.number();
        let step = usage::reduce(&self.usage, &self.forks, window, turn_id, at, record);
        put(&mut self.usage, step, &mut done);
        done
    }

    /// Takes in a piece of a line that is no record, whose head names `tag`.
    pub(crate) fn take_in_damaged(&mut self, tag: &str) -> Vec<Change> {
        let mut done = Done::default();
        let step = world::damaged(&self.world, tag);
        put(&mut self.world, step, &mut done);
        done.0
    }
}

fn put<S>(state: &mut Arc<S>, step: Option<Reduced<S>>, done: &mut Done) {
    let Some(step) = step else { return };
    *state = Arc::new(step.state);
    done.0.extend(step.changes);
    done.1.extend(step.notes);
}
