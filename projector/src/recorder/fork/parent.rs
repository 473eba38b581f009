//! The thread that is forked: its fold, and where it is cut.

use std::ops::Range;

use rollfold_core::forks::{self, CutError, ForkPoint, Kept, SourceState, SpawnFork};
use rollfold_core::model::{HistoryMode, Thread, TurnHead};
use rollfold_core::{ApplyError, Frontier, RecordClass, Snapshot, Span};

use super::super::{NewThread, ThreadMode, fold, read_error};
use super::Cut;
use crate::error::RecordError;
use crate::source::{LogSource, SourceBodies};

/// A thread that is forked.
pub(super) struct Parent<'s> {
    pub(super) source: &'s dyn LogSource,
    pub(super) frontier: Frontier,
    pub(super) snapshot: Snapshot,
    /// The lines with records, in order: seq and bytes.
    pub(super) lines: Vec<(u64, Span)>,
    pub(super) damaged: u64,
    pub(super) mode: ThreadMode,
}

impl<'s> Parent<'s> {
    /// Folds all complete lines of a log.
    pub(super) fn read(source: &'s dyn LogSource) -> Result<Self, RecordError> {
        let key = || source.key().to_owned();
        let mut frontier = fold::start(source.origin());
        let (mut snapshot, mut lines) = (Snapshot::default(), Vec::new());
        let mut fault: Option<ApplyError> = None;
        let folded = fold::fold(source, &mut frontier, |step| {
            if !step.records.is_empty() {
                lines.push((step.seq, step.span));
            }
            if fault.is_none() {
                fault = snapshot.apply_step(&step).err();
            }
        });
        folded.map_err(|error| read_error(source.key().as_ref(), error))?;
        if let Some(source) = fault {
            return Err(RecordError::Fold { key: key(), source });
        }
        let mode = match frontier.state.history().mode() {
            None | Some(HistoryMode::Legacy) => ThreadMode::Legacy,
            Some(HistoryMode::Paginated) => ThreadMode::Paginated,
            Some(HistoryMode::Other(mode)) => {
                let (path, mode) = (source.key().into(), mode.to_string());
                return Err(RecordError::UnknownMode { path, mode });
            }
        };
        let damaged = frontier.state.counts.damaged;
        Ok(Self { source, frontier, snapshot, lines, damaged, mode })
    }

    pub(super) fn bodies(&self) -> SourceBodies<'s, dyn LogSource + 's> {
        SourceBodies(self.source)
    }

    pub(super) fn thread(&self) -> Thread {
        self.snapshot.thread().clone()
    }

    pub(super) fn id(&self) -> Option<String> {
        self.snapshot.thread().id().map(|id| id.to_string())
    }

    /// What the child's head says: it is written as its parent is, and forked from it.
    pub(super) fn child(&self, thread: &NewThread) -> NewThread {
        let forked_from_id = thread.forked_from_id.clone().or_else(|| self.id());
        NewThread { mode: self.mode, forked_from_id, ..thread.clone() }
    }

    /// What the thread is in the middle of (R131).
    pub(super) fn state(&self) -> SourceState {
        let open = self.frontier.state.history().open_turn();
        forks::source_state(self.snapshot.records(), open)
    }

    fn heads(&self) -> impl Iterator<Item = &TurnHead> {
        self.snapshot.heads().map(|(_, head)| head)
    }

    /// The lines that are kept, by seq.
    pub(super) fn range(&self, cut: &Cut) -> Result<Range<u64>, RecordError> {
        let records = self.snapshot.records();
        let failed =
            |source: CutError| RecordError::Cut { key: self.source.key().to_owned(), source };
        let end = match cut {
            Cut::Whole => ForkPoint::end(records),
            Cut::BeforeUserMessage(nth) => {
                forks::fork_before_user_message(records, &self.state(), *nth)
            }
            Cut::BeforeTurn(id) => {
                forks::cut_before_turn(records, self.heads(), id).map_err(failed)?
            }
            Cut::AfterTurn(id) => {
                forks::cut_after_turn(records, self.heads(), id).map_err(failed)?
            }
            Cut::LastTurns(count) => {
                let end = ForkPoint::end(records).seq;
                let start = forks::last_fork_turns(records, *count);
                return Ok(start.map_or(end, |start| start.seq)..end);
            }
        };
        // Nothing but the other's head is nothing (R132).
        let first = records.iter().find(|entry| {
            entry.kind.is_indexed() && !matches!(entry.class, RecordClass::SessionMeta { .. })
        });
        Ok(if first.is_none_or(|first| first.seq >= end.seq) { 0..0 } else { 0..end.seq })
    }

    /// The records on these lines.
    pub(super) fn kept(&self, range: Range<u64>) -> Vec<Kept> {
        let records = self.snapshot.records().iter();
        let is_record = |class: &RecordClass| !matches!(class, RecordClass::WorldLost);
        records
            .filter(|entry| range.contains(&entry.seq) && is_record(&entry.class))
            .map(|entry| Kept { record: entry.reference(), left_out_entries: Vec::new() })
            .collect()
    }

    /// The records that a spawned agent takes over (R136).
    pub(super) fn kept_for_agent(&self, spawn: &SpawnFork<'_>) -> Result<Vec<Kept>, RecordError> {
        let kept = forks::spawn_fork(self.snapshot.records(), &self.bodies(), spawn);
        kept.map_err(|source| RecordError::Body { key: self.source.key().to_owned(), source })
    }
}
