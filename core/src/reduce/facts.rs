//! One record through every reducer but that of turns and items. The order is that of their
//! dependence: whose a record is comes first.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Reduced;
use super::forks::{self, ForkState};
use super::history::HistoryState;
use super::thread::{self, ThreadState};
use crate::change::{Change, TurnNo};
use crate::decode::Record;
use crate::diag::DiagnosticKind;
use crate::options::Options;
use crate::pos::At;

/// What the next record's meaning may depend on, for everything but turns and items.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FactState {
    forks: Arc<ForkState>,
    thread: Arc<ThreadState>,
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

    /// Takes in one record; `next_turn` is the number a turn opened by it got or would have got,
    /// `history` the state after it.
    pub(crate) fn take_in(
        &mut self,
        next_turn: TurnNo,
        history: &HistoryState,
        at: At,
        record: &Record<'_>,
        options: &Options,
    ) -> Done {
        let mut done = Done::default();
        let step = forks::reduce(&self.forks, next_turn, at, record);
        put(&mut self.forks, step, &mut done);
        let step = thread::reduce(&self.thread, &self.forks, options, record);
        put(&mut self.thread, step, &mut done);
        done
    }
}

fn put<S>(state: &mut Arc<S>, step: Option<Reduced<S>>, done: &mut Done) {
    let Some(step) = step else { return };
    *state = Arc::new(step.state);
    done.0.extend(step.changes);
    done.1.extend(step.notes);
}
