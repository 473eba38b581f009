//! The token ledger (TORTURE row 7).
//!
//! `token_count` carries a running total. What an entry adds is its total less the one before, with
//! these exceptions:
//!
//! * The first own entry of a thread that goes on from another one. Some writers start at the
//!   origin's total, some at zero. Its `last` is right for both; only where the origin's total
//!   stands in this file and the new one is beyond it by more, counts were lost and the difference
//!   counts.
//! * A total that falls after a compaction, or inside a copied history, where an ancestor's
//!   history may end, begins anew: its `last` counts.
//! * A total that falls anywhere else is a diagnostic and adds nothing. If the next total is back
//!   above the old one, that one was a stray, and the difference to the old one counts; if not,
//!   counting goes on from the lower one.
//!
//! `token_usage_record` carries one response, mostly one that a `token_count` beside it tells too.
//! A record adds its use unless the count before it told the same; a count adds only what the
//! records before it did not.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Reduced;
use super::forks::ForkState;
use crate::change::Change;
use crate::decode::{Body, Record};
use crate::diag::{DiagnosticKind, UsageAnomaly};
use crate::format::{EventKind, Kind, TokenUsage, TokenUsageInfo, TokenUsageRecord};
use crate::model::{Ownership, Tokens, UsageEntry, UsageReset, UsageSource};
use crate::pos::At;
use crate::raw::Raw;

/// Records remembered until a count covers them.
const UNCOVERED_MAX: usize = 64;

/// What the next entry may depend on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageState {
    /// Entries there are.
    len: u64,
    segment: u32,
    /// The newest total.
    total: Option<Tokens>,
    /// The total before an unexplained fall, until the next one tells which was wrong.
    before_fall: Option<Tokens>,
    /// A compaction came since the newest total.
    saw_compaction: bool,
    /// Whose the newest total was.
    ownership: Option<Ownership>,
    /// Whose the newest entry was.
    newest: Ownership,
    /// Records that no count has covered yet.
    uncovered: Vec<Tokens>,
    /// The newest count's `last`, as long as a record may repeat it.
    repeatable: Option<Tokens>,
}

/// What an entry adds, and why a run begins with it.
struct Delta {
    tokens: Tokens,
    reset: Option<UsageReset>,
    notes: Vec<DiagnosticKind>,
}

impl Delta {
    fn of(tokens: Tokens) -> Self {
        Self { tokens, reset: None, notes: Vec::new() }
    }
}

/// Reduces one record; `forks` is the state after it, `window` and `turn_id` where it belongs.
/// `None` if it means nothing to the ledger.
#[must_use]
pub fn reduce(
    state: &UsageState,
    forks: &ForkState,
    window: u64,
    turn_id: Option<&Arc<str>>,
    at: At,
    record: &Record<'_>,
) -> Option<Reduced<UsageState>> {
    let before = || {
        let mut before = state.clone();
        if state.newest != forks.ownership(at.seq) {
            // What another thread's records told is no part of what the thread's own counts add.
            before.uncovered.clear();
            before.repeatable = None;
        }
        before
    };
    let entry = |source, turn_id: Option<Arc<str>>| UsageEntry {
        number: state.len,
        seq: at.seq,
        span: at.span,
        source,
        turn_id,
        window,
        total: None,
        last: None,
        delta: Tokens::default(),
        ownership: forks.ownership(at.seq),
        segment: state.segment,
        reset: None,
        model_context_window: None,
    };
    match (&record.body, record.kind) {
        (_, Kind::Compacted | Kind::Event(EventKind::ContextCompacted)) => {
            let next = UsageState { saw_compaction: true, ..state.clone() };
            (!state.saw_compaction).then(|| Reduced::silent(next))
        }
        (Body::TokenCount(count), _) => {
            let info = count.info.get()?;
            let entry = entry(UsageSource::TokenCount, turn_id.cloned());
            Some(count_of(before(), forks, &info, entry))
        }
        (Body::TokenUsageRecord(shape), _) => {
            let own_turn = shape.turn_id.get().filter(|id| !id.is_empty());
            let turn_id = own_turn.map(|id| Arc::from(&*id)).or_else(|| turn_id.cloned());
            response(before(), shape, entry(UsageSource::UsageRecord, turn_id))
        }
        _ => None,
    }
}

/// A running total.
fn count_of(
    mut next: UsageState,
    forks: &ForkState,
    info: &TokenUsageInfo<'_>,
    mut entry: UsageEntry,
) -> Reduced<UsageState> {
    let total = info.total_token_usage.get().and_then(|usage| tokens(&usage));
    let Some(total) = total else {
        let notes = vec![DiagnosticKind::Usage(UsageAnomaly::Unreadable)];
        return Reduced { state: next, changes: Vec::new(), notes };
    };
    let last = info.last_token_usage.get().and_then(|usage| tokens(&usage));
    let begins_own = next.begins_own(forks, entry.ownership);
    let mut delta = next.delta(entry.ownership, begins_own, total, last);
    next.cover(&mut delta.tokens, last);
    next.segment = next.segment.saturating_add(u32::from(delta.reset.is_some()));
    next.total = Some(total);
    next.saw_compaction = false;
    entry.segment = next.segment;
    entry.total = Some(total);
    entry.last = last;
    entry.delta = delta.tokens;
    entry.reset = delta.reset;
    entry.model_context_window = info.model_context_window.get();
    put(next, entry, delta.notes)
}

/// One response.
fn response(
    mut next: UsageState,
    shape: &TokenUsageRecord<'_>,
    mut entry: UsageEntry,
) -> Option<Reduced<UsageState>> {
    let used = shape.usage.get().and_then(Raw::read).and_then(|usage| tokens(&usage));
    let Some(used) = used else {
        let notes = vec![DiagnosticKind::Usage(UsageAnomaly::Unreadable)];
        return Some(Reduced { state: next, changes: Vec::new(), notes });
    };
    entry.last = Some(used);
    if next.repeatable == Some(used) {
        next.repeatable = None;
    } else {
        entry.delta = used;
        next.uncovered.push(used);
        if next.uncovered.len() > UNCOVERED_MAX {
            next.uncovered.remove(0);
        }
    }
    Some(put(next, entry, Vec::new()))
}

fn put(mut next: UsageState, entry: UsageEntry, notes: Vec<DiagnosticKind>) -> Reduced<UsageState> {
    next.len += 1;
    next.newest = entry.ownership;
    if entry.total.is_some() {
        next.ownership = Some(entry.ownership);
    }
    Reduced { state: next, changes: vec![Change::Usage(Arc::new(entry))], notes }
}

impl UsageState {
    /// Whether this is the first own total of a thread that goes on from another one.
    fn begins_own(&self, forks: &ForkState, ownership: Ownership) -> bool {
        let is_first = self.ownership != Some(Ownership::Own);
        ownership == Ownership::Own && is_first && forks.has_origin()
    }

    fn delta(
        &mut self,
        ownership: Ownership,
        begins_own: bool,
        total: Tokens,
        last: Option<Tokens>,
    ) -> Delta {
        let before_fall = self.before_fall.take();
        if begins_own {
            let origin = self.total.filter(|origin| {
                // From zero, or from the origin's total.
                last != Some(total)
                    && total.covers(*origin)
                    && total.minus(*origin).covers(last.unwrap_or_default())
            });
            let tokens = match origin {
                Some(origin) => total.minus(origin),
                None => last.unwrap_or_default(),
            };
            return Delta { reset: Some(UsageReset::OwnRecords), ..Delta::of(tokens) };
        }
        let Some(before) = self.total else { return Delta::of(total) };
        if let Some(old) = before_fall.filter(|old| total.covers(*old)) {
            return Delta::of(total.minus(old));
        }
        if total.covers(before) {
            return Delta::of(total.minus(before));
        }
        let reset = match (self.saw_compaction, ownership) {
            (true, _) => Some(UsageReset::Compaction),
            (false, Ownership::Inherited) => Some(UsageReset::Ancestor),
            (false, Ownership::Own) => None,
        };
        if reset.is_some() {
            let tokens = last.filter(|last| total.covers(*last)).unwrap_or(total);
            return Delta { reset, ..Delta::of(tokens) };
        }
        self.before_fall = Some(before_fall.unwrap_or(before));
        let anomaly = UsageAnomaly::Decreased { before: before.total, found: total.total };
        Delta { notes: vec![DiagnosticKind::Usage(anomaly)], ..Delta::of(Tokens::default()) }
    }

    /// Takes out of what a count adds what records before it added already.
    fn cover(&mut self, delta: &mut Tokens, last: Option<Tokens>) {
        let repeats = self.uncovered.iter().rposition(|used| Some(*used) == last);
        if let Some(place) = repeats {
            let used = self.uncovered.remove(place);
            *delta = delta.minus(used);
        }
        let rest = self.uncovered.drain(..).fold(Tokens::default(), Tokens::plus);
        if delta.covers(rest) {
            *delta = delta.minus(rest);
        }
        self.repeatable = if repeats.is_some() { None } else { last };
    }
}

/// A count; a kind that older writers do not tell counts as none, but there must be a sum.
fn tokens(usage: &TokenUsage<'_>) -> Option<Tokens> {
    let total = usage.total_tokens.get()?;
    Some(Tokens {
        input: usage.input_tokens.get().unwrap_or(0),
        cached_input: usage.cached_input_tokens.get().unwrap_or(0),
        cache_write_input: usage.cache_write_input_tokens.get().unwrap_or(0),
        output: usage.output_tokens.get().unwrap_or(0),
        reasoning_output: usage.reasoning_output_tokens.get().unwrap_or(0),
        total,
    })
}
