//! The words of a segment with their documents, in the order of their bytes, as many to a row as
//! go into a page of the database. A word is told by how much of the one before it shares. A list
//! too long for a row goes on in rows of its own.

use redb::{ReadOnlyTable, ReadableTable, Table};

use super::docs::ROW_BYTES;
use super::postings::{put_docs, read_docs, skip_docs};
use crate::error::{CorruptProblem, StoreError};
use crate::rows::codec::{self, RowAt};
use crate::rows::varint::{Reader, put_bytes, put_number};
use crate::schema::{Bytes, SearchTermKey};

/// Bytes of a list that stands among others.
const LIST_BYTES_MAX: usize = ROW_BYTES - 100;

/// Writes the words of one segment.
pub(super) struct TermWriter<'w, 't> {
    table: &'w mut Table<'t, SearchTermKey, Bytes>,
    segment: u32,
    row: Vec<u8>,
    first: Vec<u8>,
    before: Vec<u8>,
    list: Vec<u8>,
    pub(super) len_terms: u64,
    pub(super) len_bytes: u64,
}

impl<'w, 't> TermWriter<'w, 't> {
    pub(super) fn new(table: &'w mut Table<'t, SearchTermKey, Bytes>, segment: u32) -> Self {
        let (row, first, before, list) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Self { table, segment, row, first, before, list, len_terms: 0, len_bytes: 0 }
    }

    /// Adds a word behind those before; `docs` ascends.
    pub(super) fn push(&mut self, term: &[u8], docs: &[u32]) -> Result<(), StoreError> {
        self.len_terms += 1;
        self.list.clear();
        put_docs(&mut self.list, docs);
        if self.list.len() > LIST_BYTES_MAX {
            return self.push_long(term, docs);
        }
        if self.row.len() + term.len() + self.list.len() + 4 > ROW_BYTES {
            self.end_row()?;
        }
        if self.row.is_empty() {
            self.row.push(codec::ENCODING);
            self.first.clear();
            self.first.extend_from_slice(term);
            self.before.clear();
        }
        let shared = self.before.iter().zip(term).take_while(|(one, other)| one == other).count();
        put_number(&mut self.row, shared as u64);
        put_bytes(&mut self.row, term.get(shared..).unwrap_or_default());
        self.row.extend_from_slice(&self.list);
        self.before.clear();
        self.before.extend_from_slice(term);
        Ok(())
    }

    fn push_long(&mut self, term: &[u8], docs: &[u32]) -> Result<(), StoreError> {
        self.end_row()?;
        // Gaps that differ much make some pieces longer than others.
        let pieces = self.list.len() / (LIST_BYTES_MAX * 9 / 10) + 1;
        for (piece, docs) in (0..).zip(docs.chunks(docs.len().div_ceil(pieces).max(1))) {
            self.row.push(codec::ENCODING);
            put_number(&mut self.row, 0);
            put_bytes(&mut self.row, term);
            put_docs(&mut self.row, docs);
            self.table.insert((self.segment, term, piece), &*self.row)?;
            self.len_bytes += self.row.len() as u64;
            self.row.clear();
        }
        Ok(())
    }

    fn end_row(&mut self) -> Result<(), StoreError> {
        if !self.row.is_empty() {
            self.table.insert((self.segment, &*self.first, 0), &*self.row)?;
            self.len_bytes += self.row.len() as u64;
            self.row.clear();
        }
        Ok(())
    }

    pub(super) fn finish(&mut self) -> Result<(), StoreError> {
        self.end_row()
    }
}

/// Adds the documents of a word in a segment to `docs`.
pub(super) fn docs_of(
    table: &impl ReadableTable<SearchTermKey, Bytes>,
    segment: u32,
    term: &[u8],
    docs: &mut Vec<u32>,
) -> Result<(), StoreError> {
    each_from(table, segment, term, |found, list| match found == term {
        true => read_docs(list, docs).map(|()| true),
        false => Some(false),
    })
}

/// Adds the documents of every word that begins so; the same document may come again.
pub(super) fn docs_of_prefix(
    table: &impl ReadableTable<SearchTermKey, Bytes>,
    segment: u32,
    prefix: &[u8],
    docs: &mut Vec<u32>,
) -> Result<(), StoreError> {
    each_from(table, segment, prefix, |found, list| match found.starts_with(prefix) {
        true => read_docs(list, docs).map(|()| true),
        false => Some(false),
    })
}

/// Calls `each` with the words from `term` on, until it says false; it reads the list, or the walk
/// ends.
fn each_from(
    table: &impl ReadableTable<SearchTermKey, Bytes>,
    segment: u32,
    term: &[u8],
    mut each: impl FnMut(&[u8], &mut Reader<'_>) -> Option<bool>,
) -> Result<(), StoreError> {
    let none: &[u8] = &[];
    // The row before may hold the word among others.
    let before = table.range((segment, none, 0)..(segment, term, 0))?.next_back().transpose()?;
    let mut row_terms = Vec::new();
    let mut walk = |key: SearchTermKeyOf<'_>, row: &[u8]| -> Result<bool, StoreError> {
        let at = || at(key).corrupt(CorruptProblem::Packing);
        let mut from = Reader::new(codec::body(row, codec::ENCODING, &self::at(key))?);
        row_terms.clear();
        while !from.is_at_end() {
            next_term(&mut from, &mut row_terms).ok_or_else(at)?;
            if *row_terms < *term {
                skip_docs(&mut from).ok_or_else(at)?;
            } else if !each(&row_terms, &mut from).ok_or_else(at)? {
                return Ok(false);
            }
        }
        Ok(true)
    };
    if let Some((key, row)) = before
        && !walk(key.value(), row.value())?
    {
        return Ok(());
    }
    let end = segment.saturating_add(1);
    for row in table.range((segment, term, 0)..(end, none, 0))? {
        let (key, row) = row?;
        if !walk(key.value(), row.value())? {
            break;
        }
    }
    Ok(())
}

type SearchTermKeyOf<'k> = (u32, &'k [u8], u32);

fn at(key: SearchTermKeyOf<'_>) -> RowAt<(u32, String, u32)> {
    let (segment, term, piece) = key;
    RowAt { table: "search_terms", key: (segment, String::from_utf8_lossy(term).into(), piece) }
}

fn next_term(from: &mut Reader<'_>, term: &mut Vec<u8>) -> Option<()> {
    let shared = from.small()?;
    if shared > term.len() {
        return None;
    }
    term.truncate(shared);
    term.extend_from_slice(from.bytes()?);
    Some(())
}

/// The words of a segment one by one, for merging.
pub(super) struct TermReader {
    rows: redb::Range<'static, SearchTermKey, Bytes>,
    row: Vec<u8>,
    /// Bytes of the row that are read.
    at_bytes: usize,
    /// The word that is next; none at the end.
    pub(super) term: Option<Vec<u8>>,
}

impl TermReader {
    pub(super) fn open(
        table: &ReadOnlyTable<SearchTermKey, Bytes>,
        segment: u32,
    ) -> Result<Self, StoreError> {
        let none: &[u8] = &[];
        let end = segment.saturating_add(1);
        let rows = table.range((segment, none, 0)..(end, none, 0))?;
        let mut reader = Self { rows, row: Vec::new(), at_bytes: 0, term: Some(Vec::new()) };
        reader.advance()?;
        Ok(reader)
    }

    /// Adds the documents of the word, and goes to the next one. A word with a long list comes
    /// several times.
    pub(super) fn take(&mut self, docs: &mut Vec<u32>) -> Result<(), StoreError> {
        let mut from = Reader::new(self.row.get(self.at_bytes..).unwrap_or_default());
        read_docs(&mut from, docs).ok_or_else(|| self.corrupt())?;
        self.at_bytes = self.row.len() - from.len_rest();
        self.advance()
    }

    fn advance(&mut self) -> Result<(), StoreError> {
        if self.at_bytes >= self.row.len() {
            let Some((key, row)) = self.rows.next().transpose()? else {
                self.term = None;
                return Ok(());
            };
            codec::body(row.value(), codec::ENCODING, &at(key.value()))?;
            self.row.clear();
            self.row.extend_from_slice(row.value());
            self.at_bytes = 1;
            self.term.get_or_insert_default().clear();
        }
        let mut from = Reader::new(self.row.get(self.at_bytes..).unwrap_or_default());
        let term = self.term.get_or_insert_default();
        if next_term(&mut from, term).is_none() {
            return Err(self.corrupt());
        }
        self.at_bytes = self.row.len() - from.len_rest();
        Ok(())
    }

    fn corrupt(&self) -> StoreError {
        let term = self.term.as_deref().map(String::from_utf8_lossy);
        RowAt { table: "search_terms", key: term }.corrupt(CorruptProblem::Packing)
    }
}
