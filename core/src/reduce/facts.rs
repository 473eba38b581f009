//! One record through every reducer but that of turns and items. The order is that of their
//! dependence: whose a record is comes first.

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Reduced;
use super::forks::{self, ForkState};
use super::thread::{self, ThreadState};
use super::usage::{self, UsageState};
use super::windows::{self, WindowState};
use super::world::{self, WorldState};
use crate::change::{Change, TurnNo};
use crate::decode::Record;
use crate::diag::DiagnosticKind;
use crate::format::Kind;
use crate::model::Origin;
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
    /// The state before the first record of a log with another one in front.
    pub(crate) fn of(origin: Origin) -> Self {
        Self { forks: Arc::new(ForkState::of(origin)), ..Self::default() }
    }

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
}

/// Takes in one record, of which the record index says `class`; `next_turn` is the number a turn
/// opened by it got or would have got, `turn_id` the turn its tokens belong to. The state is copied
/// only if something changes.
pub(crate) fn take_in(
    state: &mut Cow<'_, FactState>,
    next_turn: TurnNo,
    turn_id: Option<&Arc<str>>,
    at: At,
    record: &Record<'_>,
    class: &RecordClass,
    options: &Options,
) -> Done {
    let mut done = Done::default();
    let step = forks::reduce(&state.forks, next_turn, at, record);
    put(state, |state| &mut state.forks, step, &mut done);
    if record.kind == Kind::SessionMeta && state.forks.is_joined() {
        // A23: the heads of the logs in front are no part of this one's history.
        return done;
    }
    let step = thread::reduce(&state.thread, &state.forks, options, record, class);
    put(state, |state| &mut state.thread, step, &mut done);
    let step = world::reduce(&state.world, record, class);
    put(state, |state| &mut state.world, step, &mut done);
    let step = windows::reduce(&state.windows, at, record);
    put(state, |state| &mut state.windows, step, &mut done);
    let window = state.windows.number();
    let step = usage::reduce(&state.usage, &state.forks, window, turn_id, at, record);
    put(state, |state| &mut state.usage, step, &mut done);
    done
}

/// Takes in a piece of a line that is no record, whose head names `tag`.
pub(crate) fn take_in_damaged(state: &mut Cow<'_, FactState>, tag: &str) -> Vec<Change> {
    let mut done = Done::default();
    let step = world::damaged(&state.world, tag);
    put(state, |state| &mut state.world, step, &mut done);
    done.0
}

fn put<S>(
    state: &mut Cow<'_, FactState>,
    part: fn(&mut FactState) -> &mut Arc<S>,
    step: Option<Reduced<S>>,
    done: &mut Done,
) {
    let Some(step) = step else { return };
    *part(state.to_mut()) = Arc::new(step.state);
    done.0.extend(step.changes);
    done.1.extend(step.notes);
}
