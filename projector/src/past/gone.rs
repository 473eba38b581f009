//! Turns that were removed. Rollbacks remove them in runs, and a run is passed in one step.

use std::collections::BTreeMap;

use rollfold_core::TurnNo;

/// Runs of turns that are gone, by their first.
#[derive(Debug, Default)]
pub(crate) struct GoneTurns {
    runs: BTreeMap<TurnNo, Run>,
}

#[derive(Debug, Clone, Copy)]
struct Run {
    last: TurnNo,
    /// The line that removed the last of it to go.
    seq: u64,
}

impl GoneTurns {
    /// The first turn of the run in which this one is, if it is gone.
    pub(crate) fn run_of(&self, turn: TurnNo) -> Option<TurnNo> {
        let (first, run) = self.runs.range(..=turn).next_back()?;
        (run.last >= turn).then_some(*first)
    }

    pub(crate) fn insert(&mut self, turn: TurnNo, seq: u64) {
        if self.run_of(turn).is_some() {
            return;
        }
        let (mut first, mut last, mut seq) = (turn, turn, seq);
        let before = turn.0.checked_sub(1).and_then(|before| self.run_of(TurnNo(before)));
        if let Some(joined) = before
            && let Some(run) = self.runs.remove(&joined)
        {
            (first, seq) = (joined, seq.max(run.seq));
        }
        if let Some(run) = turn.0.checked_add(1).and_then(|next| self.runs.remove(&TurnNo(next))) {
            (last, seq) = (run.last, seq.max(run.seq));
        }
        self.runs.insert(first, Run { last, seq });
    }

    /// Forgets runs that were all gone before this line.
    pub(crate) fn forget_before(&mut self, seq: u64) {
        self.runs.retain(|_, run| run.seq >= seq);
    }
}
