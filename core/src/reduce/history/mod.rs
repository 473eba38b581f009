//! Turns and items (SEMANTICS part (a), Appendix A.2 and A.3).

mod canonical;
mod classic;
mod fallback;
mod items;
mod paginated;
mod parts;
mod turns;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::change::{Change, ItemNo, TurnNo};
use crate::decode::{Body, Ordinal, Record};
use crate::diag::HistoryAnomaly;
use crate::format::{EventKind, Kind};
use crate::model::{Fact, HistoryMode, ReasoningItem, TurnHead};
use crate::options::{Options, Rules, UnknownHistoryMode};
use crate::past::Past;
use crate::pos::At;

/// What the next record's meaning may depend on, besides ids of the past. Small: one open turn,
/// one open body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryState {
    /// The thread's history mode, once its first `session_meta` was read (R275).
    mode: Option<HistoryMode>,
    /// The number the next synthesized item id gets (R17).
    next_item_id: u64,
    /// Items there are, in all turns.
    len_items: u64,
    /// Turns there are.
    len_turns: u64,
    next_turn: TurnNo,
    current: Option<OpenTurn>,
    usage_owner: Option<UsageOwner>,
    stand_ins: fallback::StandIns,
    /// The mode was taken from the ordinals of records, for want of a `session_meta`.
    is_mode_inferred: bool,
}

impl Default for HistoryState {
    fn default() -> Self {
        Self {
            mode: None,
            next_item_id: 1,
            len_items: 0,
            len_turns: 0,
            next_turn: TurnNo(0),
            current: None,
            usage_owner: None,
            stand_ins: fallback::StandIns::default(),
            is_mode_inferred: false,
        }
    }
}

/// The turn that records without a turn id belong to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct OpenTurn {
    turn: TurnNo,
    head: TurnHead,
    /// Opened by `task_started`.
    is_explicit: bool,
    saw_compaction: bool,
    next_item: ItemNo,
    len_items: u32,
    /// The last item, if later reasoning joins it (R20).
    thinking: Option<(ItemNo, Arc<ReasoningItem>)>,
}

/// Whose token count the newest is (R44).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageOwner {
    /// The turn's id.
    pub turn_id: Arc<str>,
    /// Its place among the turns there were.
    pub position: u64,
}

impl HistoryState {
    /// The state in which a run of paginated records folds from nothing.
    #[must_use]
    pub fn paginated() -> Self {
        Self { mode: Some(HistoryMode::Paginated), ..Self::default() }
    }

    /// The thread's history mode; `None` before its first `session_meta`.
    #[must_use]
    pub fn mode(&self) -> Option<&HistoryMode> {
        self.mode.as_ref()
    }

    /// The number the next turn gets.
    #[must_use]
    pub fn next_turn(&self) -> TurnNo {
        self.next_turn
    }

    /// Turns there are.
    #[must_use]
    pub fn len_turns(&self) -> u64 {
        self.len_turns
    }

    /// The turn that is open, if a `task_started` opened it (R131).
    #[must_use]
    pub fn open_turn(&self) -> Option<&TurnHead> {
        let open = self.current.as_ref().filter(|open| open.is_explicit);
        open.map(|open| &open.head)
    }

    /// The history mode that holds for a record: the thread's, or before its first
    /// `session_meta` what the record's ordinal tells: only paginated writers number their records
    /// (FORMAT A.1).
    pub(crate) fn mode_for(&self, record: &Record<'_>) -> Option<&HistoryMode> {
        let is_numbered = record.ordinal != Ordinal::Absent;
        self.mode.as_ref().or(is_numbered.then_some(&HistoryMode::Paginated))
    }

    /// The id of the turn that tokens counted now belong to: the open one, else the last (R44).
    pub(crate) fn newest_turn<P: Past>(&self, past: &P) -> Result<Option<Arc<str>>, P::Error> {
        if let Some(open) = &self.current {
            return Ok(Some(open.head.id.clone()));
        }
        let Some(turn) = past.turn_before(self.next_turn)? else { return Ok(None) };
        Ok(past.turn(turn)?.map(|past| past.head.id.clone()))
    }

    /// The turn that the newest token count belongs to (R44).
    #[must_use]
    pub fn usage_owner(&self) -> Option<&UsageOwner> {
        self.usage_owner.as_ref()
    }
}

/// What one record does.
#[derive(Debug, Clone)]
pub struct Step {
    /// The state for the next record.
    pub state: HistoryState,
    /// What changes.
    pub changes: Vec<Change>,
    /// What was odd.
    pub notes: Vec<HistoryAnomaly>,
}

/// Reduces one record; `None` if it means nothing to turns and items.
///
/// # Errors
/// When `past` cannot answer.
pub fn reduce<P: Past>(
    state: &HistoryState,
    past: &P,
    at: At,
    record: &Record<'_>,
    options: &Options,
) -> Result<Option<Step>, P::Error> {
    let is_meta = record.kind == Kind::SessionMeta && state.mode.is_none();
    let Ok(mode) = state.mode_for(record).map(|mode| options.folded_as(mode)).transpose() else {
        return Ok(None);
    };
    let is_paginated = match options.rules {
        Rules::Classic => false,
        Rules::Paginated => true,
        Rules::OfLog => mode == Some(&HistoryMode::Paginated),
    };
    if !is_meta && !matters(record.kind) {
        return Ok(None);
    }
    let mut work =
        turns::Work { state: state.clone(), past, at, options, changes: vec![], notes: vec![] };
    if is_meta {
        work.first_meta(record);
        return Ok(Some(work.finish()));
    }
    if is_paginated && state.mode.is_none() && options.rules == Rules::OfLog {
        work.infer_mode();
    }
    if record.kind == Kind::Event(EventKind::TokenCount) {
        return work.token_count().map(Some);
    }
    if is_paginated { paginated::reduce(work, record) } else { classic::reduce(work, record) }
}

/// A cheap look, so that most records cost nothing here.
fn matters(kind: Kind) -> bool {
    use crate::format::ResponseKind;
    matches!(kind, Kind::Event(_) | Kind::Compacted | Kind::Response(ResponseKind::Message))
}

impl<P: Past> turns::Work<'_, P> {
    /// The first `session_meta` fixes the mode; later ones never change it (R275).
    fn first_meta(&mut self, record: &Record<'_>) {
        let mode = match &record.body {
            Body::SessionMeta(meta) => meta.history_mode.get(),
            _ => None,
        };
        let mode = mode.unwrap_or(HistoryMode::Legacy);
        let folded_as = self.options.folded_as(&mode);
        if folded_as != Ok(&HistoryMode::Legacy) && self.options.rules == Rules::OfLog {
            // The classic rules end here, and with them the open turn.
            self.close();
        }
        if let Err(UnknownHistoryMode { mode }) = folded_as {
            self.notes.push(HistoryAnomaly::ModeUnknown { mode: mode.to_string() });
            self.changes.push(Change::Thread(Fact::UnknownMode(Some(mode))));
        }
        self.state.mode = Some(mode);
    }

    fn infer_mode(&mut self) {
        if !std::mem::replace(&mut self.state.is_mode_inferred, true) {
            self.notes.push(HistoryAnomaly::ModeInferred);
            self.close();
        }
    }
}
