//! The fold: lines in, steps out. Joins framing, decoding and reducers; keeps nothing else.

use std::borrow::Cow;
use std::convert::Infallible;

use serde::{Deserialize, Serialize};

use crate::decode::{Depth, Record, decode};
use crate::diag::{Damage, Diagnostic, DiagnosticKind};
use crate::digest::Digest;
use crate::format::{EventKind, Kind};
use crate::line::{Line, Lines, LongLine};
use crate::model::{Health, Origin, Outcome, Recognition};
use crate::options::{Options, RecordFilter, Retries};
use crate::ordinals::Ordinals;
use crate::past::{Index, Past};
use crate::policy::is_persisted;
use crate::pos::{At, Position, Span};
use crate::records::RecordClass;
use crate::reduce::facts::{self, FactState};
use crate::reduce::history::{self, HistoryState};
use crate::reduce::records;
use crate::retries::Recent;
use crate::step::Step;

/// Bytes of a broken piece in which its `type` is looked for; writers put it in front.
const TAG_WITHIN_BYTES: usize = LongLine::HEAD_BYTES;

/// Everything the next line's meaning may depend on, but ids of the past. Small whatever the
/// length of the log; a store keeps it beside its rows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoldState {
    /// The place of the next line.
    pub position: Position,
    /// The choices this fold was begun with.
    pub options: Options,
    /// What was counted.
    pub counts: Counts,
    /// Of all lines before this place.
    digest: Digest,
    /// Records of a known kind before this place, those included that the options leave out.
    raw_index: u64,
    history: HistoryState,
    facts: FactState,
    health: Health,
    ordinals: Ordinals,
    recent: Recent,
}

/// What a fold counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Records of a known kind.
    pub records: u64,
    /// Well-formed JSON of no known kind.
    pub unknown: u64,
    /// Pieces that are no record.
    pub damaged: u64,
    /// Lines of nothing but white space.
    pub blank: u64,
    /// Lines that a writer wrote again; their records are counted once.
    pub retries: u64,
}

impl FoldState {
    /// The state before the first line.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self { options, ..Self::default() }
    }

    /// The state before the first line of a log that is folded with another thread's in front.
    #[must_use]
    pub fn with_origin(options: Options, origin: Origin) -> Self {
        Self { options, facts: FactState::of(origin), ..Self::default() }
    }

    /// The ordinal a writer goes on with: above every one that was read, wherever it stands; that
    /// of the log's first record if there was none. `None` if there is no higher one.
    #[must_use]
    pub fn next_ordinal(&self) -> Option<u64> {
        self.ordinals.next()
    }

    /// What the lines before this place are known by, their bytes alone: the same lines have the
    /// same digest, whatever they mean.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// What the next record's meaning may depend on, for turns and items.
    #[must_use]
    pub fn history(&self) -> &HistoryState {
        &self.history
    }

    /// What the next record's meaning may depend on, for everything but turns and items.
    #[must_use]
    pub fn facts(&self) -> &FactState {
        &self.facts
    }

    /// What became of the records, by kind.
    #[must_use]
    pub fn health(&self) -> &Health {
        &self.health
    }

    /// How the log was recognised so far.
    #[must_use]
    pub fn recognition(&self) -> Recognition {
        self.health.recognition(self.history.len_turns())
    }

    /// Folds one line: the only fold there is. `scratch` holds the text of mended lines.
    ///
    /// # Errors
    /// When `past` cannot answer or take in a change. The state is then as it was before the line,
    /// `past` may not be.
    pub fn fold_line<P: Past>(
        &mut self,
        past: &mut P,
        line: Line<'_>,
        scratch: &mut String,
    ) -> Result<Step, P::Error> {
        if line.span.len_bytes > self.options.line_limit.len_bytes {
            return self.fold_long_line(past, LongLine::of(line));
        }
        let digest = Digest::of(line.bytes);
        let decoded = decode(line, scratch, Depth::Needed);
        let records = decoded.records.as_slice();
        if let Some(first_seq) = self.retried(digest, records) {
            return Ok(self.pass_over(line, digest, first_seq));
        }
        let mut ahead = Ahead::new(self, line);
        let mut damages = Vec::new();
        for (span, kind) in decoded.notes {
            if let DiagnosticKind::Damaged(_) = kind {
                ahead.counts.damaged += 1;
                ahead.ordinals.skip_damaged();
                damages.push((span, record_tag(line, span)));
            }
            ahead.note(span, kind);
        }
        if records.is_empty() && damages.is_empty() {
            ahead.counts.blank += 1;
        }
        let mut damages = damages.into_iter().peekable();
        for record in records {
            let is_before = |damage: &(Span, _)| damage.0.offset_bytes <= record.span.offset_bytes;
            while let Some((span, tag)) = damages.next_if(is_before) {
                ahead.fold_damage(past, span, tag)?;
            }
            self.fold_record(past, record, &mut ahead)?;
        }
        for (span, tag) in damages {
            ahead.fold_damage(past, span, tag)?;
        }
        let done = ahead.finish();
        if self.options.retries == Retries::Recognised {
            self.recent.push(digest, line.seq, records);
        }
        Ok(self.take(done, digest))
    }

    /// Folds a line that is longer than [`Options::line_limit`]: it is damage.
    ///
    /// # Errors
    /// As [`Self::fold_line`].
    pub fn fold_long_line<P: Past>(
        &mut self,
        past: &mut P,
        line: LongLine<'_>,
    ) -> Result<Step, P::Error> {
        let LongLine { seq, span, head, digest } = line;
        let line = Line { seq, span, bytes: head };
        let mut ahead = Ahead::new(self, line);
        ahead.counts.damaged += 1;
        ahead.ordinals.skip_damaged();
        ahead.note(span, DiagnosticKind::Damaged(Damage::TooLong));
        ahead.fold_damage(past, span, record_tag(line, span))?;
        let done = ahead.finish();
        Ok(self.take(done, digest))
    }

    /// Goes on behind a line.
    fn take(&mut self, done: Done<'_>, digest: Digest) -> Step {
        let Done { position, raw_index, counts, ordinals, history, facts, outcomes, step } = done;
        self.position = position;
        self.go_behind(step.seq, step.span, digest);
        (self.counts, self.raw_index) = (counts, raw_index);
        self.ordinals = ordinals;
        if let Some(history) = history {
            self.history = history;
        }
        if let Some(facts) = facts {
            self.facts = facts;
        }
        let (outcome, more_outcomes) = outcomes;
        for outcome in outcome.into_iter().chain(more_outcomes) {
            self.health.apply(outcome);
        }
        step
    }

    fn retried(&self, digest: Digest, records: &[Record<'_>]) -> Option<u64> {
        self.recent.retried(digest, records, self.facts.forks().ownership(self.position.seq))
    }

    /// Takes in a line that is there already.
    fn pass_over(&mut self, line: Line<'_>, digest: Digest, first_seq: u64) -> Step {
        self.go_behind(line.seq, line.span, digest);
        self.counts.retries += 1;
        let kind = DiagnosticKind::Retry { first_seq };
        let diagnostics = vec![Diagnostic { seq: line.seq, span: line.span, kind }];
        Step { diagnostics, ..Step::of(line) }
    }

    fn go_behind(&mut self, seq: u64, span: Span, digest: Digest) {
        self.position.seq = seq + 1;
        self.position.offset_bytes = span.end_bytes() + 1;
        self.digest = self.digest.and_line(digest);
    }

    fn fold_record<'a, P: Past>(
        &self,
        past: &mut P,
        record: &'a Record<'_>,
        ahead: &mut Ahead<'_, 'a>,
    ) -> Result<(), P::Error> {
        let mut entry = ahead.step.next_entry(record, ahead.raw_index);
        ahead.raw_index += u64::from(record.kind.is_indexed());
        self.reduce(past, record, &entry.class, ahead)?;
        if record.kind == Kind::SessionMeta && ahead.facts.forks().is_joined() {
            // A23: what stands in front has its own first window.
            entry.class = RecordClass::SessionMeta { window_id: None };
        }
        ahead.step.records.push(entry);
        Ok(())
    }

    fn reduce<'a, P: Past>(
        &self,
        past: &mut P,
        record: &'a Record<'_>,
        class: &RecordClass,
        ahead: &mut Ahead<'_, 'a>,
    ) -> Result<(), P::Error> {
        let mut has_problems = false;
        record.problems(&mut |problem| {
            has_problems = true;
            let (kind, field) = (record.kind.name(), problem.field.to_owned());
            ahead.note(record.span, DiagnosticKind::Field { kind, field, state: problem.state });
        });
        if let Some(anomaly) = ahead.ordinals.check(record) {
            ahead.note(record.span, DiagnosticKind::Ordinal(anomaly));
        }
        let mode = ahead.history.as_ref().unwrap_or(&self.history).mode_for(record);
        let mode = mode.map(|mode| self.options.folded_as(mode).unwrap_or(mode));
        if self.options.records == RecordFilter::PersistedOnly && !is_persisted(record, mode) {
            ahead.count(record, has_problems);
            return Ok(());
        }
        let record_index = ahead.position.record_index;
        let at = At { seq: record.seq, span: record.span, record_index };
        let before = ahead.history.as_ref().unwrap_or(&self.history);
        let next_turn = before.next_turn();
        let done = history::reduce(before, past, at, record, &self.options)?;
        let first_change = ahead.step.changes.len();
        if let Some(done) = done {
            ahead.step.changes.extend(done.changes);
            for anomaly in done.notes {
                ahead.note(record.span, DiagnosticKind::History(anomaly));
            }
            ahead.history = Some(done.state);
        }
        let after = ahead.history.as_ref().unwrap_or(&self.history);
        let tells_tokens =
            matches!(record.kind, Kind::Event(EventKind::TokenCount) | Kind::TokenUsageRecord);
        let turn_id = if tells_tokens { after.newest_turn(past)? } else { None };
        let turn_id = turn_id.as_ref();
        let (changes, notes) =
            facts::take_in(&mut ahead.facts, next_turn, turn_id, at, record, class, &self.options);
        ahead.step.changes.extend(changes);
        ahead.count(record, has_problems);
        for kind in notes {
            ahead.note(record.span, kind);
        }
        for change in ahead.step.changes.iter().skip(first_change) {
            past.apply(at, change)?;
        }
        ahead.position.record_index += u64::from(record.kind.is_indexed());
        Ok(())
    }
}

/// The state after the line, as far as it is read.
struct Ahead<'s, 'a> {
    position: Position,
    raw_index: u64,
    counts: Counts,
    ordinals: Ordinals,
    /// None as long as nothing changed.
    history: Option<HistoryState>,
    /// The state before, as long as nothing changed.
    facts: Cow<'s, FactState>,
    /// What became of its pieces; nearly always one, which needs no list.
    outcome: Option<Outcome<'a>>,
    more_outcomes: Vec<Outcome<'a>>,
    step: Step,
}

/// The state after the line, with nothing left of the one before.
struct Done<'a> {
    position: Position,
    raw_index: u64,
    counts: Counts,
    ordinals: Ordinals,
    history: Option<HistoryState>,
    facts: Option<FactState>,
    outcomes: (Option<Outcome<'a>>, Vec<Outcome<'a>>),
    step: Step,
}

impl<'s, 'a> Ahead<'s, 'a> {
    fn finish(self) -> Done<'a> {
        let Self { position, raw_index, counts, ordinals, history, step, .. } = self;
        let facts = match self.facts {
            Cow::Borrowed(_) => None,
            Cow::Owned(facts) => Some(facts),
        };
        let outcomes = (self.outcome, self.more_outcomes);
        Done { position, raw_index, counts, ordinals, history, facts, outcomes, step }
    }

    fn new(state: &'s FoldState, line: Line<'_>) -> Self {
        Self {
            position: state.position,
            raw_index: state.raw_index,
            counts: state.counts,
            ordinals: state.ordinals,
            history: None,
            facts: Cow::Borrowed(&state.facts),
            outcome: None,
            more_outcomes: Vec::new(),
            step: Step::of(line),
        }
    }

    fn note(&mut self, span: Span, kind: DiagnosticKind) {
        self.step.diagnostics.push(Diagnostic { seq: self.step.seq, span, kind });
    }

    fn count(&mut self, record: &'a Record<'_>, has_problems: bool) {
        let outcome = match record.kind {
            Kind::Unknown | Kind::OtherResponse => {
                self.counts.unknown += 1;
                Outcome::Unknown(&record.tag, record.payload_tag.as_deref())
            }
            kind => {
                self.counts.records += 1;
                let ownership = self.facts.forks().ownership(record.seq);
                Outcome::Record { kind, has_problems, ownership }
            }
        };
        self.came_out(outcome);
    }

    fn came_out(&mut self, outcome: Outcome<'a>) {
        match self.outcome {
            None => self.outcome = Some(outcome),
            Some(_) => self.more_outcomes.push(outcome),
        }
    }

    fn fold_damage<P: Past>(
        &mut self,
        past: &mut P,
        span: Span,
        tag: Option<&'a str>,
    ) -> Result<(), P::Error> {
        self.came_out(Outcome::Damaged(tag));
        let tag = tag.unwrap_or_default();
        if let Some(lost) = records::lost(self.step.seq, span, tag, self.raw_index) {
            self.step.records.push(lost);
        }
        let changes = facts::take_in_damaged(&mut self.facts, tag);
        let at = At { seq: self.step.seq, span, record_index: self.position.record_index };
        for change in &changes {
            past.apply(at, change)?;
        }
        self.step.changes.extend(changes);
        Ok(())
    }
}

/// The `type` that a broken piece of a line names first: what it was going to be.
fn record_tag<'a>(line: Line<'a>, span: Span) -> Option<&'a str> {
    let start = usize::try_from(span.offset_bytes.checked_sub(line.span.offset_bytes)?).ok()?;
    let piece = line.bytes.get(start..)?;
    let piece = piece.get(..TAG_WITHIN_BYTES).unwrap_or(piece);
    let key = memchr::memmem::find(piece, b"\"type\"")?;
    let value = piece.get(key + 6..)?.trim_ascii_start().strip_prefix(b":")?;
    let value = value.trim_ascii_start().strip_prefix(b"\"")?;
    let (tag, _) = value.split_at_checked(memchr::memchr(b'"', value)?)?;
    std::str::from_utf8(tag).ok()
}

/// A place in a log from which folding can go on with nothing else: state and ids of the past.
/// A value: cheap to clone, serializable.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frontier {
    /// The small part.
    pub state: FoldState,
    /// The ids of the past.
    pub past: Index,
}

/// Folds a log that comes in pieces, wherever they are cut.
#[derive(Debug, Clone, Default)]
pub struct Folder {
    frontier: Frontier,
    tail: Vec<u8>,
    scratch: String,
}

impl Folder {
    /// A fold from the first line on.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self::resume(Frontier { state: FoldState::new(options), past: Index::default() })
    }

    /// A fold that goes on where `frontier` was taken.
    #[must_use]
    pub fn resume(frontier: Frontier) -> Self {
        Self { frontier, tail: Vec::new(), scratch: String::new() }
    }

    /// The place after the last complete line.
    #[must_use]
    pub fn frontier(&self) -> &Frontier {
        &self.frontier
    }

    /// Bytes that wait for their line end.
    #[must_use]
    pub fn pending(&self) -> &[u8] {
        &self.tail
    }

    /// Takes in the next bytes of the log; gives the lines that hold records or are odd.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<Step> {
        let mut steps = Vec::new();
        let mut bytes = bytes;
        if !self.tail.is_empty() {
            let Some(end) = memchr::memchr(b'\n', bytes) else {
                self.tail.extend_from_slice(bytes);
                return steps;
            };
            let (head, rest) = bytes.split_at_checked(end + 1).unwrap_or((bytes, &[]));
            self.tail.extend_from_slice(head);
            bytes = rest;
            let line = std::mem::take(&mut self.tail);
            self.fold_lines(&mut Lines::new(&line, self.frontier.state.position), &mut steps);
        }
        let mut lines = Lines::new(bytes, self.frontier.state.position);
        self.fold_lines(&mut lines, &mut steps);
        self.tail.extend_from_slice(lines.torn_tail());
        steps
    }

    /// Takes the pending bytes as a complete line: for logs that are known to be closed. Only by
    /// this is a torn tail ever more than pending. The position is then behind a line end that is
    /// not there.
    pub fn end(&mut self) -> Vec<Step> {
        if self.tail.is_empty() { Vec::new() } else { self.push(b"\n") }
    }

    fn fold_lines(&mut self, lines: &mut Lines<'_>, steps: &mut Vec<Step>) {
        let Frontier { state, past } = &mut self.frontier;
        for line in lines {
            let done: Result<Step, Infallible> = state.fold_line(past, line, &mut self.scratch);
            let Ok(step) = done;
            if !step.is_empty() {
                steps.push(step);
            }
        }
    }
}
