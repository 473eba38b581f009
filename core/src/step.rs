//! What one line did.

use std::ops::Deref;

use crate::change::Change;
use crate::decode::Record;
use crate::diag::Diagnostic;
use crate::line::Line;
use crate::pos::Span;
use crate::records::RecordEntry;
use crate::reduce::records;

/// What one line did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Complete lines before it.
    pub seq: u64,
    /// Its bytes.
    pub span: Span,
    /// The records on it: what it adds to the record index. Apart from the changes, since every
    /// record adds an entry while most change nothing a client sees.
    pub records: Entries,
    /// What changed, in order.
    pub changes: Vec<Change>,
    /// What was odd.
    pub diagnostics: Vec<Diagnostic>,
}

impl Step {
    /// Whether the line changed no turn or item and nothing was odd about it. It may still add
    /// [records](Self::records) to the index.
    #[must_use]
    pub fn is_silent(&self) -> bool {
        self.changes.is_empty() && self.diagnostics.is_empty()
    }

    /// Whether the line did nothing at all: a blank one.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.is_silent() && self.records.is_empty()
    }

    pub(crate) fn of(line: Line<'_>) -> Self {
        Self {
            seq: line.seq,
            span: line.span,
            records: Entries::default(),
            changes: Vec::new(),
            diagnostics: Vec::new(),
        }
    }

    /// The entry of the line's next record.
    pub(crate) fn next_entry(&self, record: &Record<'_>, raw_index: u64) -> RecordEntry {
        let before = self.records.last().filter(|before| before.span == record.span);
        let part = before.map_or(0, |before| before.part.saturating_add(1));
        records::entry(record, part, raw_index)
    }
}

/// The entries of the records on a line, a slice of them. Nearly always it is one, which needs no
/// list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entries(Few);

#[derive(Debug, Clone, Default, PartialEq, Eq)]
enum Few {
    #[default]
    None,
    One(RecordEntry),
    Many(Vec<RecordEntry>),
}

impl Entries {
    pub(crate) fn push(&mut self, entry: RecordEntry) {
        self.0 = match std::mem::take(&mut self.0) {
            Few::None => Few::One(entry),
            Few::One(first) => Few::Many(vec![first, entry]),
            Few::Many(mut entries) => {
                entries.push(entry);
                Few::Many(entries)
            }
        };
    }
}

impl Deref for Entries {
    type Target = [RecordEntry];

    fn deref(&self) -> &[RecordEntry] {
        match &self.0 {
            Few::None => &[],
            Few::One(entry) => std::slice::from_ref(entry),
            Few::Many(entries) => entries,
        }
    }
}

impl<'e> IntoIterator for &'e Entries {
    type Item = &'e RecordEntry;
    type IntoIter = std::slice::Iter<'e, RecordEntry>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
