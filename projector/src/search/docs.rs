//! Documents: what lists of the index are of. A document is a run of items of one turn, not much
//! more than a page of text, so that finding one is to look at a page.
//!
//! Documents are numbered within a segment, the oldest first: by the time of their turn, then by
//! thread, turn and item. Rows hold as many as go into a page of the database, each told by what
//! differs from the one before.

use redb::{ReadableTable, Table};

use super::texts::TextKinds;
use crate::error::{CorruptProblem, StoreError};
use crate::rows::codec::{self, RowAt};
use crate::rows::varint::{Reader, put_number, put_signed};
use crate::schema::{BlockKey, Bytes};

/// Bytes of text of a document, at most one item's more.
pub(super) const DOC_BYTES: u32 = 4096;

/// Bytes of a row of documents or words.
pub(super) const ROW_BYTES: usize = 3_800;

/// A run of items of one turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Doc {
    /// When the turn began, in Unix seconds.
    pub(super) time: i64,
    pub(super) thread: u32,
    pub(super) turn: u32,
    pub(super) first_item: u32,
    pub(super) last_item: u32,
    /// Kinds of text in it.
    pub(super) kinds: TextKinds,
    /// Bytes of its text.
    pub(super) text_bytes: u32,
}

impl Doc {
    /// By this, documents of a segment ascend.
    pub(super) fn order(&self) -> (i64, u32, u32, u32, u32) {
        (self.time, self.thread, self.turn, self.first_item, self.last_item)
    }

    /// Whether it is of the same turn at the same time.
    pub(super) fn is_beside(&self, other: &Self) -> bool {
        (self.time, self.thread, self.turn) == (other.time, other.thread, other.turn)
    }

    /// Takes in a document that comes behind it; false if both together were too long.
    pub(super) fn join(&mut self, next: &Self) -> bool {
        let is_in = next.first_item >= self.first_item && next.last_item <= self.last_item;
        let text_bytes = self.text_bytes.saturating_add(next.text_bytes);
        if !self.is_beside(next) || !(is_in || text_bytes <= DOC_BYTES) {
            return false;
        }
        self.first_item = self.first_item.min(next.first_item);
        self.last_item = self.last_item.max(next.last_item);
        self.kinds = TextKinds(self.kinds.0 | next.kinds.0);
        self.text_bytes = if is_in { self.text_bytes.max(next.text_bytes) } else { text_bytes };
        true
    }
}

/// Writes the documents of a segment; gives the bytes that they take.
pub(super) fn write(
    table: &mut Table<'_, BlockKey, Bytes>,
    segment: u32,
    docs: &[Doc],
) -> Result<u64, StoreError> {
    let (mut row, mut first, mut bytes) = (vec![codec::ENCODING], 0u64, 0u64);
    let mut before: Option<&Doc> = None;
    for (number, doc) in (0u64..).zip(docs) {
        if row.len() > ROW_BYTES {
            table.insert((segment, first), &*row)?;
            bytes += row.len() as u64;
            row.truncate(1);
            (first, before) = (number, None);
        }
        put(&mut row, doc, before);
        before = Some(doc);
    }
    if !docs.is_empty() {
        table.insert((segment, first), &*row)?;
        bytes += row.len() as u64;
    }
    Ok(bytes)
}

fn put(to: &mut Vec<u8>, doc: &Doc, before: Option<&Doc>) {
    let signed = |now: u32, before: u32| i64::from(now) - i64::from(before);
    let (time, thread, turn) = before.map_or((0, 0, 0), |doc| (doc.time, doc.thread, doc.turn));
    put_signed(to, doc.time.wrapping_sub(time));
    put_signed(to, signed(doc.thread, thread));
    put_signed(to, signed(doc.turn, turn));
    put_number(to, doc.first_item.into());
    put_number(to, doc.last_item.saturating_sub(doc.first_item).into());
    put_number(to, doc.kinds.0.into());
    // How long a text is matters only until it is as long as a document.
    put_number(to, doc.text_bytes.min(DOC_BYTES).div_ceil(32).into());
}

fn read(from: &mut Reader<'_>, before: Option<&Doc>) -> Option<Doc> {
    let (time, thread, turn) = before.map_or((0, 0, 0), |doc| (doc.time, doc.thread, doc.turn));
    let time = time.wrapping_add(from.signed()?);
    let added = |from: &mut Reader<'_>, before: u32| -> Option<u32> {
        u32::try_from(i64::from(before).checked_add(from.signed()?)?).ok()
    };
    let (thread, turn) = (added(from, thread)?, added(from, turn)?);
    let first_item: u32 = from.small()?;
    let last_item = first_item.checked_add(from.small()?)?;
    let kinds = TextKinds(from.small()?);
    let text_bytes = from.small::<u32>()?.checked_mul(32)?;
    Some(Doc { time, thread, turn, first_item, last_item, kinds, text_bytes })
}

/// The documents of one row, by the number of its first.
#[derive(Debug, Default)]
pub(super) struct DocRow {
    first: u32,
    docs: Vec<Doc>,
}

impl DocRow {
    /// Reads the row with a document.
    pub(super) fn with(
        table: &impl ReadableTable<BlockKey, Bytes>,
        segment: u32,
        doc: u32,
    ) -> Result<Self, StoreError> {
        let found = table.range((segment, 0)..=(segment, u64::from(doc)))?.next_back();
        let missing = || at(segment, doc).corrupt(CorruptProblem::Missing);
        let (key, row) = found.transpose()?.ok_or_else(missing)?;
        let first = u32::try_from(key.value().1).map_err(|_| missing())?;
        Ok(Self { first, docs: read_row(row.value(), key.value())? })
    }

    /// A document, if it is in this row.
    pub(super) fn get(&self, doc: u32) -> Option<&Doc> {
        self.docs.get(doc.checked_sub(self.first)? as usize)
    }
}

/// Every document of a segment, by number.
pub(super) fn read_all(
    table: &impl ReadableTable<BlockKey, Bytes>,
    segment: u32,
) -> Result<Vec<Doc>, StoreError> {
    let mut docs = Vec::new();
    for row in table.range((segment, 0)..=(segment, u64::MAX))? {
        let (key, row) = row?;
        docs.extend(read_row(row.value(), key.value())?);
    }
    Ok(docs)
}

fn read_row(row: &[u8], key: BlockKey) -> Result<Vec<Doc>, StoreError> {
    let at = RowAt { table: "search_docs", key };
    let mut from = Reader::new(codec::body(row, codec::ENCODING, &at)?);
    let mut docs: Vec<Doc> = Vec::new();
    while !from.is_at_end() {
        let doc = read(&mut from, docs.last());
        docs.push(doc.ok_or_else(|| at.corrupt(CorruptProblem::Packing))?);
    }
    Ok(docs)
}

pub(super) fn at(segment: u32, doc: u32) -> RowAt<(u32, u32)> {
    RowAt { table: "search_docs", key: (segment, doc) }
}
