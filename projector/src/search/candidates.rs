//! Candidates: documents that may have what is asked for, the newest turn first.

use std::collections::BTreeSet;

use redb::{ReadOnlyTable, ReadTransaction};

use super::docs::{self, Doc, DocRow};
use super::query::{Entry, Term};
use super::segment;
use super::terms::{docs_of, docs_of_prefix};
use super::texts::TextKinds;
use crate::error::{CorruptProblem, StoreError};
use crate::schema::{self, BlockKey, Bytes, SearchTermKey};

/// Candidates of one turn.
pub(super) struct TurnDocs {
    pub(super) time: i64,
    pub(super) thread: u32,
    pub(super) turn: u32,
    /// First and last items of documents.
    pub(super) items: Vec<(u32, u32)>,
}

/// Documents that may have all that is asked for, the newest first.
pub(super) struct Candidates {
    docs: ReadOnlyTable<BlockKey, Bytes>,
    segments: Vec<InSegment>,
}

/// Candidates of one segment.
struct InSegment {
    segment: u32,
    /// Those that are left, the newest first.
    left: Box<dyn Iterator<Item = u32>>,
    row: DocRow,
    next: Option<Doc>,
}

impl Candidates {
    pub(super) fn open(read: &ReadTransaction, terms: &[Term]) -> Result<Self, StoreError> {
        let table = read.open_table(schema::SEARCH_TERMS)?;
        let docs = read.open_table(schema::SEARCH_DOCS)?;
        let entries: BTreeSet<&Entry> = terms.iter().flat_map(|term| &term.entries).collect();
        let mut candidates = Self { docs, segments: Vec::new() };
        for segment in segment::all(&read.open_table(schema::SEARCH_SEGMENTS)?)? {
            let number = segment.number;
            let left: Box<dyn Iterator<Item = u32>> = match matching(&table, number, &entries)? {
                Some(docs) => Box::new(docs.into_iter().rev()),
                // Nothing that the index knows: every document may do.
                None => Box::new((0..u32::try_from(segment.len_docs).unwrap_or(u32::MAX)).rev()),
            };
            let row = DocRow::default();
            let mut in_segment = InSegment { segment: number, left, row, next: None };
            in_segment.advance(&candidates.docs)?;
            candidates.segments.push(in_segment);
        }
        Ok(candidates)
    }

    /// The documents of the next turn with texts of these kinds.
    pub(super) fn next(&mut self, kinds: TextKinds) -> Result<Option<TurnDocs>, StoreError> {
        loop {
            let next = self.segments.iter().filter_map(|segment| segment.next).max_by_key(turn_of);
            let Some(first) = next else { return Ok(None) };
            let (time, thread, turn) = turn_of(&first);
            let mut docs = TurnDocs { time, thread, turn, items: Vec::new() };
            for segment in &mut self.segments {
                while let Some(doc) = segment.next.filter(|doc| doc.is_beside(&first)) {
                    if doc.kinds.0 & kinds.0 != 0 {
                        docs.items.push((doc.first_item, doc.last_item));
                    }
                    segment.advance(&self.docs)?;
                }
            }
            if !docs.items.is_empty() {
                return Ok(Some(docs));
            }
        }
    }
}

fn turn_of(doc: &Doc) -> (i64, u32, u32) {
    (doc.time, doc.thread, doc.turn)
}

impl InSegment {
    fn advance(&mut self, table: &ReadOnlyTable<BlockKey, Bytes>) -> Result<(), StoreError> {
        self.next = None;
        let Some(number) = self.left.next() else { return Ok(()) };
        if self.row.get(number).is_none() {
            self.row = DocRow::with(table, self.segment, number)?;
        }
        let doc = self.row.get(number).copied();
        let missing = || docs::at(self.segment, number);
        let doc = doc.ok_or_else(|| missing().corrupt(CorruptProblem::Contradiction))?;
        self.next = Some(doc);
        Ok(())
    }
}

/// The documents of a segment that have every entry; `None` if there is none to have.
fn matching(
    table: &ReadOnlyTable<SearchTermKey, Bytes>,
    segment: u32,
    entries: &BTreeSet<&Entry>,
) -> Result<Option<Vec<u32>>, StoreError> {
    let mut all: Option<Vec<u32>> = None;
    for entry in entries {
        let mut docs = Vec::new();
        if entry.is_prefix {
            docs_of_prefix(table, segment, &entry.bytes, &mut docs)?;
            docs.sort_unstable();
            docs.dedup();
        } else {
            docs_of(table, segment, &entry.bytes, &mut docs)?;
        }
        let both = match all {
            None => docs,
            Some(mut before) => {
                let mut docs = docs.into_iter().peekable();
                before.retain(|doc| {
                    while docs.next_if(|next| next < doc).is_some() {}
                    docs.peek() == Some(doc)
                });
                before
            }
        };
        if both.is_empty() {
            return Ok(Some(both));
        }
        all = Some(both);
    }
    Ok(all)
}
