//! Segments: what one run of indexing wrote, or several of them merged. A segment never changes.

use redb::{ReadableTable, WriteTransaction};

use super::docs::{self, Doc};
use super::terms::TermWriter;
use crate::error::{CorruptProblem, StoreError};
use crate::rows::codec::{self, RowAt};
use crate::rows::varint::{Reader, put_number};
use crate::schema::{self, Bytes};

/// What is known of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Segment {
    pub(super) number: u32,
    pub(super) len_docs: u64,
    pub(super) len_terms: u64,
    pub(super) len_bytes: u64,
}

/// The segments there are, by number.
pub(super) fn all(table: &impl ReadableTable<u32, Bytes>) -> Result<Vec<Segment>, StoreError> {
    let mut segments = Vec::new();
    for row in table.iter()? {
        let (key, row) = row?;
        let number = key.value();
        let at = RowAt { table: "search_segments", key: number };
        let mut from = Reader::new(codec::body(row.value(), codec::ENCODING, &at)?);
        let mut read = || {
            let (len_docs, len_terms) = (from.number()?, from.number()?);
            Some(Segment { number, len_docs, len_terms, len_bytes: from.number()? })
        };
        segments.push(read().ok_or_else(|| at.corrupt(CorruptProblem::Packing))?);
    }
    Ok(segments)
}

/// Writes a segment behind those there are. `terms` writes its words.
pub(super) fn write(
    write: &WriteTransaction,
    docs: &[Doc],
    terms: impl FnOnce(&mut TermWriter<'_, '_>) -> Result<(), StoreError>,
) -> Result<Segment, StoreError> {
    let mut segments = write.open_table(schema::SEARCH_SEGMENTS)?;
    let newest = segments.last()?.map(|(number, _)| number.value());
    // Above it there must be another number.
    let number = newest.map_or(Some(0), |newest| newest.checked_add(2).map(|next| next - 1));
    let number = number.ok_or(StoreError::Full)?;
    let doc_bytes = docs::write(&mut write.open_table(schema::SEARCH_DOCS)?, number, docs)?;
    let mut table = write.open_table(schema::SEARCH_TERMS)?;
    let mut writer = TermWriter::new(&mut table, number);
    terms(&mut writer)?;
    writer.finish()?;
    let segment = Segment {
        number,
        len_docs: docs.len() as u64,
        len_terms: writer.len_terms,
        len_bytes: doc_bytes + writer.len_bytes,
    };
    let mut row = vec![codec::ENCODING];
    [segment.len_docs, segment.len_terms, segment.len_bytes]
        .into_iter()
        .for_each(|number| put_number(&mut row, number));
    segments.insert(number, &*row)?;
    Ok(segment)
}

/// Removes a segment.
pub(super) fn remove(write: &WriteTransaction, number: u32) -> Result<(), StoreError> {
    write.open_table(schema::SEARCH_SEGMENTS)?.remove(number)?;
    let mut docs = write.open_table(schema::SEARCH_DOCS)?;
    docs.retain_in((number, 0)..=(number, u64::MAX), |_, _| false)?;
    let mut terms = write.open_table(schema::SEARCH_TERMS)?;
    let none: &[u8] = &[];
    let end = number.saturating_add(1);
    terms.retain_in((number, none, 0)..(end, none, 0), |_, _| false)?;
    Ok(())
}
