//! Which records of a file are the thread's own (DESIGN "Words", TORTURE rows 6 and 11; FORMAT A.2).
//!
//! Three ways a file holds or names another thread's history:
//!
//! * By reference: `history_base` names the prefix in another file. All records here are own. Where
//!   both are folded as one log, an [`Origin`] says where the own records begin; what stands before
//!   is the other thread's, its `session_meta` included (A22, A23).
//! * By claim: `subagent_history_start_ordinal` names the first own ordinal (A14). The claim is
//!   believed once a record reaches it; until then a reader shows everything and warns.
//! * By copy: behind the file's own `session_meta` stands another thread's, then that thread's
//!   records, their envelope times rewritten. Nothing marks the end, so signs are weighed:
//!   1. the file's own `session_meta` again: the copy is over;
//!   2. a `task_started` whose own time (a version 7 turn id, else `started_at`) is not before the
//!      thread was made: that turn is own. Payloads are not rewritten, so this is safe, and once
//!      one such time was seen only signs 1 and 2 count;
//!   3. without such times, the first record written after the thread was made, if those before
//!      kept their own times;
//!   4. else a pause of two seconds: a copy is written in one go. A guess.
//!
//! A copy can only begin before the thread's first own turn.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Reduced;
use crate::change::{Change, TurnNo};
use crate::decode::{Body, Ordinal, Record};
use crate::format::{EventKind, Kind, SessionMeta};
use crate::model::{
    CopiedPrefix, EndSign, HistoryBase, Inheritance, JoinedBase, Origin, Ownership, PrefixEnd,
    PrefixKind, SessionSource,
};
use crate::pos::At;
use crate::text::{id, time};

/// A copy is written in one go; a longer pause than this ends it.
const PAUSE_MS: i64 = 2_000;

/// What the ownership of the next record may depend on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForkState {
    inheritance: Inheritance,
    phase: Phase,
    thread_id: Option<Arc<str>>,
    /// When the thread was made, in Unix milliseconds.
    born_ms: Option<i64>,
    /// Some other thread is named as its origin.
    has_origin: bool,
    /// The newest record's envelope time, while that may tell something.
    last_ms: Option<i64>,
    last_ordinal: Option<u64>,
    /// Turns in the copy tell when they began.
    saw_turn_time: bool,
    /// Whose the log is, where another thread's stands in front of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    origin: Option<Origin>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
enum Phase {
    /// Before the first `session_meta`.
    #[default]
    Headless,
    /// Own so far; a copy may still begin.
    Open,
    /// Own from here on.
    Settled,
    /// Inside a copy.
    Copied,
    /// Before the claimed ordinal.
    Claimed,
    /// In another thread's log that stands in front.
    Joined,
}

impl ForkState {
    /// The state before the first record of a log that is folded with another one in front.
    pub(crate) fn of(origin: Origin) -> Self {
        let thread_id = Some(id::canonical(&origin.thread_id));
        Self { phase: Phase::Joined, thread_id, origin: Some(origin), ..Self::default() }
    }

    /// Whose the log is, if another thread's stands in front of it.
    #[must_use]
    pub fn origin(&self) -> Option<&Origin> {
        self.origin.as_ref()
    }

    /// Whether the newest record is another thread's that stands in front of this log.
    pub(crate) fn is_joined(&self) -> bool {
        self.phase == Phase::Joined
    }

    /// Whose the newest record is, which is on line `seq`. Inside a claimed prefix: inherited, as
    /// the file claims.
    #[must_use]
    pub fn ownership(&self, seq: u64) -> Ownership {
        let is_before = self.inheritance.prefix.as_ref().is_some_and(|it| seq < it.start_seq);
        match self.phase {
            Phase::Copied | Phase::Claimed if !is_before => Ownership::Inherited,
            Phase::Joined => Ownership::Inherited,
            _ => Ownership::Own,
        }
    }

    /// What of the history is another thread's.
    #[must_use]
    pub fn inheritance(&self) -> &Inheritance {
        &self.inheritance
    }

    /// Whether the thread goes on from another one, so that its counters may too.
    #[must_use]
    pub fn has_origin(&self) -> bool {
        self.has_origin || self.inheritance != Inheritance::default()
    }

    /// Whether this is the id of the thread the file is of.
    #[must_use]
    pub fn is_own_id(&self, id: Option<&str>) -> bool {
        id.is_some_and(|id| self.thread_id.as_deref() == Some(&*id::canonical(id)))
    }
}

/// Reduces one record; `next_turn` is the number a turn opened by it would get. `None` if nothing
/// about ownership changes.
#[must_use]
pub fn reduce(
    state: &ForkState,
    next_turn: TurnNo,
    at: At,
    record: &Record<'_>,
) -> Option<Reduced<ForkState>> {
    match (state.phase, &record.body) {
        (Phase::Settled, _) => None,
        (Phase::Headless, Body::SessionMeta(meta)) => Some(first_meta(state, meta, record)),
        (Phase::Headless, _) => None,
        (Phase::Open, _) => open(state, at, record),
        (Phase::Copied, _) => Some(copied(state, next_turn, at, record)),
        (Phase::Claimed, _) => Some(claimed(state, next_turn, at, record)),
        (Phase::Joined, _) => joined(state, next_turn, at, record),
    }
}

/// In another thread's log that stands in front: does the thread's own begin?
fn joined(
    state: &ForkState,
    next_turn: TurnNo,
    at: At,
    record: &Record<'_>,
) -> Option<Reduced<ForkState>> {
    let own_start_bytes = state.origin.as_ref().map_or(0, |origin| origin.own_start_bytes);
    let mut next = state.clone();
    if at.span.offset_bytes < own_start_bytes {
        if state.inheritance.joined.is_some() {
            return None;
        }
        next.inheritance.joined = Some(JoinedBase { end: None });
        let changes = vec![Change::Inheritance(next.inheritance.clone())];
        return Some(Reduced { state: next, changes, notes: Vec::new() });
    }
    let sign = EndSign::OwnFile;
    let end = PrefixEnd { seq: at.seq, offset_bytes: at.span.offset_bytes, next_turn, sign };
    next.inheritance.joined = Some(JoinedBase { end: Some(end) });
    next.phase = Phase::Headless;
    if let Body::SessionMeta(meta) = &record.body {
        next = first_meta(&next, meta, record).state;
    }
    let changes = vec![Change::Inheritance(next.inheritance.clone())];
    Some(Reduced { state: next, changes, notes: Vec::new() })
}

fn first_meta(
    state: &ForkState,
    meta: &SessionMeta<'_>,
    record: &Record<'_>,
) -> Reduced<ForkState> {
    let mut next = state.clone();
    let thread_id = meta.id.get();
    let made = meta.timestamp.get().and_then(|text| time::parse_ms(&text));
    next.born_ms = thread_id.as_deref().and_then(id::made_at_ms).or(made);
    next.thread_id = thread_id.map(|id| id::canonical(&id));
    next.has_origin = meta.forked_from_id.is_some()
        || meta.parent_thread_id.is_some()
        || SessionSource::read(meta.source.get()).spawn().is_some();
    next.last_ordinal = ordinal(record);
    next.phase = Phase::Open;
    let mut changes = Vec::new();
    if let Some(base) = meta.history_base.get() {
        next.inheritance.base = Some(HistoryBase {
            thread_id: id::canonical(&base.thread_id.get().unwrap_or_default()),
            end_ordinal_exclusive: base.end_ordinal_exclusive.get(),
            end_byte_offset: base.end_byte_offset.get(),
        });
        next.phase = Phase::Settled;
        changes.push(Change::Inheritance(next.inheritance.clone()));
    }
    if let Some(start_ordinal) = meta.subagent_history_start_ordinal.get() {
        let first_after = next.last_ordinal.map_or(1, |last| last.saturating_add(1));
        next.phase = Phase::Settled;
        if start_ordinal > first_after {
            next.phase = Phase::Claimed;
            let kind = PrefixKind::Claimed { start_ordinal };
            let start_seq = record.seq + 1;
            next.inheritance.prefix = Some(CopiedPrefix { kind, start_seq, end: None });
            changes = vec![Change::Inheritance(next.inheritance.clone())];
        }
    }
    Reduced { state: next, changes, notes: Vec::new() }
}

/// Own so far: does a copy begin, or the thread's own talk?
fn open(state: &ForkState, at: At, record: &Record<'_>) -> Option<Reduced<ForkState>> {
    let kind = match &record.body {
        Body::SessionMeta(meta) => {
            let thread_id = meta.id.get()?;
            if state.is_own_id(Some(&thread_id)) {
                return None;
            }
            PrefixKind::ForeignMeta { thread_id: id::canonical(&thread_id) }
        }
        _ if state.has_origin && began_before(state, record) == Some(true) => PrefixKind::OlderTurn,
        _ if is_talk(record.kind) => {
            return Some(Reduced::silent(ForkState { phase: Phase::Settled, ..state.clone() }));
        }
        _ => return None,
    };
    let mut next = ForkState { phase: Phase::Copied, last_ms: written_at(record), ..state.clone() };
    next.saw_turn_time = kind == PrefixKind::OlderTurn;
    next.inheritance.prefix = Some(CopiedPrefix { kind, start_seq: at.seq, end: None });
    let changes = vec![Change::Inheritance(next.inheritance.clone())];
    Some(Reduced { state: next, changes, notes: Vec::new() })
}

/// Inside a copy: is it over?
fn copied(state: &ForkState, next_turn: TurnNo, at: At, record: &Record<'_>) -> Reduced<ForkState> {
    let mut next = state.clone();
    let written = written_at(record);
    let before = std::mem::replace(&mut next.last_ms, written.or(state.last_ms));
    let began_before = began_before(state, record);
    next.saw_turn_time |= began_before.is_some();
    let sign = match &record.body {
        Body::SessionMeta(meta) => {
            state.is_own_id(meta.id.get().as_deref()).then_some(EndSign::OwnMeta)
        }
        _ => match (began_before, state.saw_turn_time) {
            (Some(true), _) | (None, true) => None,
            (Some(false), _) => Some(EndSign::TurnTime),
            (None, false) => sign_of_envelopes(before, written, state.born_ms),
        },
    };
    match sign {
        Some(sign) => ended(next, next_turn, at, sign),
        None => Reduced::silent(next),
    }
}

/// Signs 3 and 4.
fn sign_of_envelopes(
    before: Option<i64>,
    written: Option<i64>,
    born: Option<i64>,
) -> Option<EndSign> {
    let (before, written) = (before?, written?);
    let born = born.unwrap_or(i64::MIN);
    if before < born {
        return (written >= born).then_some(EndSign::WrittenLater);
    }
    (written.saturating_sub(before) >= PAUSE_MS).then_some(EndSign::Pause)
}

/// Before the claimed ordinal: is it reached? A record without ordinal follows the one before.
fn claimed(
    state: &ForkState,
    next_turn: TurnNo,
    at: At,
    record: &Record<'_>,
) -> Reduced<ForkState> {
    let follows = state.last_ordinal.map(|last| last.saturating_add(1));
    let own = ordinal(record).or(follows);
    let next = ForkState { last_ordinal: own, ..state.clone() };
    let start = state.inheritance.unreached_claim();
    match (own, start) {
        (Some(own), Some(start)) if own >= start => ended(next, next_turn, at, EndSign::Ordinal),
        _ => Reduced::silent(next),
    }
}

fn ended(mut next: ForkState, next_turn: TurnNo, at: At, sign: EndSign) -> Reduced<ForkState> {
    let end = PrefixEnd { seq: at.seq, offset_bytes: at.span.offset_bytes, next_turn, sign };
    next.phase = Phase::Settled;
    if let Some(prefix) = &mut next.inheritance.prefix {
        prefix.end = Some(end);
    }
    let changes = vec![Change::Inheritance(next.inheritance.clone())];
    Reduced { state: next, changes, notes: Vec::new() }
}

/// Whether the turn this record starts began before the thread was made; `None` if it cannot be
/// told.
fn began_before(state: &ForkState, record: &Record<'_>) -> Option<bool> {
    let Body::TaskStarted(started) = &record.body else { return None };
    let born_ms = state.born_ms?;
    if let Some(began_ms) = started.turn_id.get().and_then(|turn_id| id::made_at_ms(&turn_id)) {
        return Some(began_ms < born_ms);
    }
    // Whole seconds: a turn of the second in which the thread was made is taken as its own.
    started.started_at.get().map(|seconds| seconds < born_ms.div_euclid(1_000))
}

/// Whether the record belongs to a talk, not to the settings in front of it.
fn is_talk(kind: Kind) -> bool {
    use EventKind as E;
    match kind {
        Kind::Response(_) | Kind::OtherResponse | Kind::Compacted => true,
        Kind::Event(kind) => {
            !matches!(kind, E::ThreadSettingsApplied | E::ThreadGoalUpdated | E::ThreadNameUpdated)
        }
        _ => false,
    }
}

pub(super) fn written_at(record: &Record<'_>) -> Option<i64> {
    record.timestamp.as_deref().and_then(time::parse_ms)
}

fn ordinal(record: &Record<'_>) -> Option<u64> {
    match record.ordinal {
        Ordinal::Value(ordinal) => Some(ordinal),
        Ordinal::Absent | Ordinal::Unreadable => None,
    }
}
