//! The fold: lines in, steps out. Joins framing, decoding and reducers; keeps nothing else.

use std::convert::Infallible;

use serde::{Deserialize, Serialize};

use crate::change::Change;
use crate::decode::{Body, Depth, Ordinal, Record, decode};
use crate::diag::{Diagnostic, DiagnosticKind, OrdinalAnomaly};
use crate::format::Kind;
use crate::line::{Line, Lines};
use crate::options::{Options, RecordFilter};
use crate::past::{Index, Past};
use crate::policy::is_persisted;
use crate::pos::{At, Position, Span};
use crate::reduce::history::{self, HistoryState};

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
    history: HistoryState,
    ordinals: Ordinals,
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
}

/// What was seen of ordinals.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Ordinals {
    last: Option<u64>,
    /// Broken pieces since: each may have had an ordinal.
    damaged_since: u64,
    is_missing: bool,
}

/// What one line did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Complete lines before it.
    pub seq: u64,
    /// Its bytes.
    pub span: Span,
    /// What changed, in order.
    pub changes: Vec<Change>,
    /// What was odd.
    pub diagnostics: Vec<Diagnostic>,
}

impl Step {
    /// Whether the line changed nothing and nothing was odd about it.
    #[must_use]
    pub fn is_silent(&self) -> bool {
        self.changes.is_empty() && self.diagnostics.is_empty()
    }
}

impl FoldState {
    /// The state before the first line.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self { options, ..Self::default() }
    }

    /// What the next record's meaning may depend on, for turns and items.
    #[must_use]
    pub fn history(&self) -> &HistoryState {
        &self.history
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
        let Self { mut position, mut counts, mut ordinals, .. } = *self;
        let mut changed: Option<HistoryState> = None;
        let decoded = decode(line, scratch, Depth::Needed);
        let mut step =
            Step { seq: line.seq, span: line.span, changes: Vec::new(), diagnostics: Vec::new() };
        let mut is_damaged = false;
        let note = |span, kind| Diagnostic { seq: line.seq, span, kind };
        for (span, kind) in decoded.notes {
            if let DiagnosticKind::Damaged(_) = kind {
                is_damaged = true;
                counts.damaged += 1;
                ordinals.damaged_since += 1;
            }
            step.diagnostics.push(note(span, kind));
        }
        let records = decoded.records.as_slice();
        if records.is_empty() && !is_damaged {
            counts.blank += 1;
        }
        for record in records {
            match record.kind {
                Kind::Unknown | Kind::OtherResponse => counts.unknown += 1,
                _ => counts.records += 1,
            }
            record.problems(&mut |problem| {
                let (kind, field) = (record.kind.name(), problem.field.to_owned());
                let kind = DiagnosticKind::Field { kind, field, state: problem.state };
                step.diagnostics.push(note(record.span, kind));
            });
            let anomaly = ordinals.check(record);
            step.diagnostics
                .extend(anomaly.map(|it| note(record.span, DiagnosticKind::Ordinal(it))));
            let mode = changed.as_ref().unwrap_or(&self.history).mode_for(record);
            if self.options.records == RecordFilter::PersistedOnly && !is_persisted(record, mode) {
                continue;
            }
            let record_index = position.record_index;
            let at = At { seq: line.seq, span: record.span, record_index };
            let before = changed.as_ref().unwrap_or(&self.history);
            let done = history::reduce(before, past, at, record, &self.options)?;
            if let Some(done) = done {
                for change in &done.changes {
                    past.apply(at, change)?;
                }
                step.changes.extend(done.changes);
                let notes = done.notes.into_iter();
                step.diagnostics
                    .extend(notes.map(|it| note(record.span, DiagnosticKind::History(it))));
                changed = Some(done.state);
            }
            position.record_index += u64::from(record.kind.is_indexed());
        }
        position.seq = line.seq + 1;
        position.offset_bytes = line.span.end_bytes() + 1;
        (self.position, self.counts, self.ordinals) = (position, counts, ordinals);
        if let Some(history) = changed {
            self.history = history;
        }
        Ok(step)
    }
}

impl Ordinals {
    /// Compares a record's ordinal with the one that should follow.
    fn check(&mut self, record: &Record<'_>) -> Option<OrdinalAnomaly> {
        let expected = match (self.last, &record.body) {
            (Some(last), _) => last.saturating_add(1),
            (None, Body::SessionMeta(meta)) => meta
                .history_base
                .get()
                .and_then(|base| base.end_ordinal_exclusive.get())
                .unwrap_or(0),
            (None, _) => 0,
        };
        match record.ordinal {
            Ordinal::Absent => {
                self.last?;
                self.last = Some(expected);
                let is_first = !std::mem::replace(&mut self.is_missing, true);
                is_first.then_some(OrdinalAnomaly::Missing)
            }
            Ordinal::Unreadable => {
                self.last = self.last.map(|_| expected);
                Some(OrdinalAnomaly::Unreadable)
            }
            Ordinal::Value(found) => {
                let explained = std::mem::take(&mut self.damaged_since);
                self.is_missing = false;
                let before = self.last.replace(found);
                match found.checked_sub(expected) {
                    _ if before == Some(found) => Some(OrdinalAnomaly::Repeated { ordinal: found }),
                    Some(gap) if gap <= explained => None,
                    Some(_) => Some(OrdinalAnomaly::Gap { expected, found }),
                    None => Some(OrdinalAnomaly::Decreased { expected, found }),
                }
            }
        }
    }
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

    /// Takes in the next bytes of the log; gives the lines that did something or are odd.
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
            if !step.is_silent() {
                steps.push(step);
            }
        }
    }
}
